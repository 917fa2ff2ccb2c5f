package io.sluice.http;

import java.time.Duration;

/**
 * Bounds of one {@link HttpServer}, over all its addresses. A connection over a bound is accepted all the same, and
 * another one gives way: {@link Admission} says which.
 *
 * @param ownConnections       of this node: from loopback, or from the very address that was connected to
 * @param connections          of all others together
 * @param connectionsPerClient of one other address, or one IPv6 /64
 * @param headBytes            of a request's line, and again of its headers; more is answered with 414 or 431
 * @param headers              of a request
 * @param bodyBytes            of a request that are read and passed over; more is answered with 413
 * @param pipelined            requests that may wait behind the one that is being answered; with more the connection ends
 * @param requestTime          from the first octet, or the connection's begin, until a request is there as a whole
 * @param idleTime             between an answer and the next request
 * @param answerTime           until an answer is made, and again until the client has taken it
 * @param answerBytes          of answers that are made and not taken yet; beyond that those that were waited for longest
 *                             are given up, except the newest
 * @param views                that are made at the same time
 * @param spareDescriptors     kept for when the process has no others
 */
public record HttpLimits(int ownConnections, int connections, int connectionsPerClient, int headBytes, int headers,
        int bodyBytes, int pipelined, Duration requestTime, Duration idleTime, Duration answerTime, long answerBytes,
        int views, int spareDescriptors) {

    /** What {@code docs/api.md} promises. */
    public static final HttpLimits DEFAULT = new HttpLimits(256, 256, 64, 32 * 1024, 100, 64 * 1024, 16,
            Duration.ofSeconds(10), Duration.ofSeconds(60), Duration.ofSeconds(60),
            Math.max(16L << 20, Runtime.getRuntime().maxMemory() / 8), 2, 4);
}
