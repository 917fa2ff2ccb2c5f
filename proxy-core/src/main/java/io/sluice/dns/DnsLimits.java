package io.sluice.dns;

import java.time.Duration;

/**
 * What bounds the work and the memory that clients can cause.
 *
 * @param queriesPerSecond     of one client address, over UDP and TCP together
 * @param burst                how many queries a client may ask at once after it was silent
 * @param connections          TCP connections in all
 * @param connectionsPerClient TCP connections of one client address
 * @param pipelined            queries of one TCP connection that wait for an upstream; further ones are not read
 * @param tcpIdle              after which a TCP connection without a whole query or an answer is closed
 * @param upstreamQueries      questions that wait for an upstream; further ones are answered REFUSED
 * @param upstreamTimeout      for one upstream to answer, before the next is asked
 * @param cacheEntries         answers of upstreams that are kept
 * @param cacheBytes           octets of messages that are kept
 */
public record DnsLimits(int queriesPerSecond, int burst, int connections, int connectionsPerClient, int pipelined,
        Duration tcpIdle, int upstreamQueries, Duration upstreamTimeout, int cacheEntries, int cacheBytes) {

    private static final int UNLIMITED = 1_000_000_000;

    /** What a node's worth of clients does not notice. */
    public static final DnsLimits DEFAULT = new DnsLimits(2_000, 4_000, 1_000, 50, 100, Duration.ofSeconds(10), 1_000,
            Duration.ofSeconds(2), 10_000, 16 * 1024 * 1024);

    public DnsLimits {
        if (queriesPerSecond < 1 || burst < 1 || connections < 1 || connectionsPerClient < 1 || pipelined < 1
                || upstreamQueries < 1 || cacheEntries < 0 || cacheBytes < 0) {
            throw new IllegalArgumentException("a limit of the DNS server is not positive");
        }
        if (!tcpIdle.isPositive() || !upstreamTimeout.isPositive()) {
            throw new IllegalArgumentException("a timeout of the DNS server is not positive");
        }
    }

    /**
     * The same with another rate for each client, and twice as much at once.
     *
     * @param rate queries a second; 0 for as many as come
     */
    public DnsLimits withQueriesPerSecond(int rate) {
        int perSecond = rate == 0 ? UNLIMITED : Math.min(rate, UNLIMITED);
        return new DnsLimits(perSecond, 2 * perSecond, connections, connectionsPerClient, pipelined, tcpIdle,
                upstreamQueries, upstreamTimeout, cacheEntries, cacheBytes);
    }
}
