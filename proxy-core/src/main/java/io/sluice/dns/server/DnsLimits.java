package io.sluice.dns.server;

import io.sluice.dns.forward.ForwardLimits;
import java.time.Duration;

/**
 * Limits of the work and the memory that clients can cause.
 *
 * @param queriesPerSecond     from one client address, over UDP and TCP together
 * @param burst                how many queries a client may ask at once after it was silent
 * @param connections          TCP connections in all
 * @param connectionsPerClient TCP connections of one client address
 * @param pipelined            queries of one TCP connection that wait for an upstream; further ones are not read
 * @param tcpIdle              after which a TCP connection without a whole query or an answer is closed
 * @param upstreamQueries      questions that wait for an upstream; further ones are answered REFUSED
 * @param upstreamTimeout      for one upstream to answer, before the next is asked
 * @param cacheEntries         answers of upstreams that are kept
 * @param cacheBytes           octets of messages that are kept
 * @param udpBytes             octets of a reply over UDP, for clients that accept as much
 */
public record DnsLimits(int queriesPerSecond, int burst, int connections, int connectionsPerClient, int pipelined,
        Duration tcpIdle, int upstreamQueries, Duration upstreamTimeout, int cacheEntries, int cacheBytes,
        int udpBytes) {

    private static final int UNLIMITED = 1_000_000_000;
    private static final int MIN_UDP_BYTES = 512;
    private static final int MAX_UDP_BYTES = 65_535;

    /** Limits that the clients of one node do not reach in normal operation. */
    public static final DnsLimits DEFAULT = builder().build();

    public DnsLimits {
        if (queriesPerSecond < 1 || burst < 1 || connections < 1 || connectionsPerClient < 1 || pipelined < 1
                || upstreamQueries < 1 || cacheEntries < 0 || cacheBytes < 0) {
            throw new IllegalArgumentException("a limit of the DNS server is not positive");
        }
        if (udpBytes < MIN_UDP_BYTES || udpBytes > MAX_UDP_BYTES) {
            throw new IllegalArgumentException("replies of " + udpBytes + " octets over UDP are not between "
                    + MIN_UDP_BYTES + " and " + MAX_UDP_BYTES);
        }
        if (!tcpIdle.isPositive() || !upstreamTimeout.isPositive()) {
            throw new IllegalArgumentException("a timeout of the DNS server is not positive");
        }
    }

    ForwardLimits forward() {
        return new ForwardLimits(upstreamQueries, upstreamTimeout, cacheEntries, cacheBytes);
    }

    /** Begins limits that are those of {@link #DEFAULT}. */
    public static Builder builder() {
        return new Builder();
    }

    /** Gathers limits. Not thread-safe. */
    public static final class Builder {

        private int queriesPerSecond = 2_000;
        private int burst = 4_000;
        private int connections = 1_000;
        private int connectionsPerClient = 50;
        private int pipelined = 100;
        private Duration tcpIdle = Duration.ofSeconds(10);
        private int upstreamQueries = 1_000;
        private Duration upstreamTimeout = Duration.ofSeconds(2);
        private int cacheEntries = 10_000;
        private int cacheBytes = 16 * 1024 * 1024;
        private int udpBytes = 1_232;

        private Builder() {}

        /**
         * Sets {@link DnsLimits#queriesPerSecond}, and {@link DnsLimits#burst} to twice as many.
         *
         * @param rate 0 for no limit
         */
        public Builder queriesPerSecond(int rate) {
            this.queriesPerSecond = rate == 0 ? UNLIMITED : Math.min(rate, UNLIMITED);
            this.burst = 2 * queriesPerSecond;
            return this;
        }

        /** Sets {@link DnsLimits#burst}. */
        public Builder burst(int value) {
            this.burst = value;
            return this;
        }

        /** Sets {@link DnsLimits#connections}. */
        public Builder connections(int value) {
            this.connections = value;
            return this;
        }

        /** Sets {@link DnsLimits#connectionsPerClient}. */
        public Builder connectionsPerClient(int value) {
            this.connectionsPerClient = value;
            return this;
        }

        /** Sets {@link DnsLimits#pipelined}. */
        public Builder pipelined(int value) {
            this.pipelined = value;
            return this;
        }

        /** Sets {@link DnsLimits#tcpIdle}. */
        public Builder tcpIdle(Duration value) {
            this.tcpIdle = value;
            return this;
        }

        /** Sets {@link DnsLimits#upstreamQueries}. */
        public Builder upstreamQueries(int value) {
            this.upstreamQueries = value;
            return this;
        }

        /** Sets {@link DnsLimits#upstreamTimeout}. */
        public Builder upstreamTimeout(Duration value) {
            this.upstreamTimeout = value;
            return this;
        }

        /** Sets {@link DnsLimits#cacheEntries}. */
        public Builder cacheEntries(int value) {
            this.cacheEntries = value;
            return this;
        }

        /** Sets {@link DnsLimits#cacheBytes}. */
        public Builder cacheBytes(int value) {
            this.cacheBytes = value;
            return this;
        }

        /** Sets {@link DnsLimits#udpBytes}. */
        public Builder udpBytes(int value) {
            this.udpBytes = value;
            return this;
        }

        /** The limits. */
        public DnsLimits build() {
            return new DnsLimits(queriesPerSecond, burst, connections, connectionsPerClient, pipelined, tcpIdle,
                    upstreamQueries, upstreamTimeout, cacheEntries, cacheBytes, udpBytes);
        }
    }
}
