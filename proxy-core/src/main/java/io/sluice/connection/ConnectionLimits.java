package io.sluice.connection;

/**
 * The bounds that every connection is held to. Times are nanoseconds.
 *
 * @param connectTimeout for one attempt; positive
 * @param connectRetries further attempts at other endpoints while the client waits; 0 for none
 * @param idleTimeout    without a byte either way; {@link Long#MAX_VALUE} for never
 * @param halfCloseTimeout without a byte once one side has finished; positive
 * @param flushTimeout   for what was read before a reset to reach the other side; positive
 * @param bufferBytes    read but not yet delivered in one direction, above which reading pauses; the read that crosses
 *                       it is kept whole
 */
public record ConnectionLimits(long connectTimeout, int connectRetries, long idleTimeout, long halfCloseTimeout,
        long flushTimeout, int bufferBytes) {}
