package io.sluice.connection;

/**
 * The limits of every connection. Times are nanoseconds.
 *
 * @param connectTimeout for one attempt; positive
 * @param connectRetries further attempts at other endpoints while the client waits; 0 for none
 * @param idleTimeout    without a byte either way; {@link Long#MAX_VALUE} for never
 * @param halfCloseTimeout without a byte once one side has finished; positive
 * @param flushTimeout   for bytes read before a reset to reach the other side; positive
 * @param bufferBytes    reading pauses when this many bytes of one direction are read and not yet delivered; the read that
 *                       crosses the limit is kept whole
 */
public record ConnectionLimits(long connectTimeout, int connectRetries, long idleTimeout, long halfCloseTimeout,
        long flushTimeout, int bufferBytes) {}
