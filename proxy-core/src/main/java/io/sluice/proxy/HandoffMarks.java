package io.sluice.proxy;

/**
 * The marks of connections that are handed to the kernel. Those of tracked connections (conntrack) have several bits, all of
 * which have to be there.
 *
 * @param handed      a tracked connection that the kernel has
 * @param pending     the same while it is not certain: its packets are dropped
 * @param ended       the same when it has ended
 * @param intercepted one from a client to a socket here
 * @param upstream    one of this process to an endpoint
 * @param hushed      besides others, the mark of a socket (SO_MARK) whose endpoint may not send yet
 * @param untracked   besides others, the mark of a socket (SO_MARK) whose packets are not looked up among tracked
 *                    connections
 */
public record HandoffMarks(int handed, int pending, int ended, int intercepted, int upstream, int hushed,
        int untracked) {

    static final HandoffMarks NONE = new HandoffMarks(0, 0, 0, 0, 0, 0, 0);
}
