package io.sluice.http;

import java.time.Duration;

/**
 * Limits of one {@link HttpServer}, for all its addresses together. A connection beyond a limit is accepted, and another one
 * gives way: {@link Admission} decides which.
 *
 * @param ownConnections       from this node: from loopback, or from the address that was connected to
 * @param connections          from all other clients together
 * @param connectionsPerClient from one other address, or one IPv6 /64
 * @param headBytes            of a request's line, and again of its headers; more is answered with 414 or 431
 * @param headers              of a request
 * @param bodyBytes            of a request that are read and ignored; more is answered with 413
 * @param pipelined            requests that may wait behind the one that is being answered; with more the connection ends
 * @param requestTime          from the first octet, or the begin of the connection, until a request is complete
 * @param idleTime             between an answer and the next request
 * @param answerTime           until an answer is made, and again until the client has read it
 * @param answerBytes          of answers that are made and not read yet; beyond that the answers that wait longest are
 *                             given up, except the newest
 * @param views                made at the same time
 * @param streams              open at the same time; one more is answered with 503
 * @param streamSilence        after which a stream without events has a comment, so that a client that is gone is noticed
 * @param spareDescriptors     kept for the time when the process has no others
 */
public record HttpLimits(int ownConnections, int connections, int connectionsPerClient, int headBytes, int headers,
        int bodyBytes, int pipelined, Duration requestTime, Duration idleTime, Duration answerTime, long answerBytes,
        int views, int streams, Duration streamSilence, int spareDescriptors) {

    /** What {@code docs/api.md} promises. */
    public static final HttpLimits DEFAULT = builder().build();

    /** Begins limits that are those of {@link #DEFAULT}. */
    public static Builder builder() {
        return new Builder();
    }

    /** Gathers limits. Not thread-safe. */
    public static final class Builder {

        private int ownConnections = 256;
        private int connections = 256;
        private int connectionsPerClient = 64;
        private int headBytes = 32 * 1024;
        private int headers = 100;
        private int bodyBytes = 64 * 1024;
        private int pipelined = 16;
        private Duration requestTime = Duration.ofSeconds(10);
        private Duration idleTime = Duration.ofSeconds(60);
        private Duration answerTime = Duration.ofSeconds(60);
        private long answerBytes = Math.max(16L << 20, Runtime.getRuntime().maxMemory() / 8);
        private int views = 2;
        private int streams = 16;
        private Duration streamSilence = Duration.ofSeconds(15);
        private int spareDescriptors = 4;

        private Builder() {}

        /** Sets {@link HttpLimits#ownConnections}. */
        public Builder ownConnections(int value) {
            this.ownConnections = value;
            return this;
        }

        /** Sets {@link HttpLimits#connections}. */
        public Builder connections(int value) {
            this.connections = value;
            return this;
        }

        /** Sets {@link HttpLimits#connectionsPerClient}. */
        public Builder connectionsPerClient(int value) {
            this.connectionsPerClient = value;
            return this;
        }

        /** Sets {@link HttpLimits#headBytes}. */
        public Builder headBytes(int value) {
            this.headBytes = value;
            return this;
        }

        /** Sets {@link HttpLimits#headers}. */
        public Builder headers(int value) {
            this.headers = value;
            return this;
        }

        /** Sets {@link HttpLimits#bodyBytes}. */
        public Builder bodyBytes(int value) {
            this.bodyBytes = value;
            return this;
        }

        /** Sets {@link HttpLimits#pipelined}. */
        public Builder pipelined(int value) {
            this.pipelined = value;
            return this;
        }

        /** Sets {@link HttpLimits#requestTime}. */
        public Builder requestTime(Duration value) {
            this.requestTime = value;
            return this;
        }

        /** Sets {@link HttpLimits#idleTime}. */
        public Builder idleTime(Duration value) {
            this.idleTime = value;
            return this;
        }

        /** Sets {@link HttpLimits#answerTime}. */
        public Builder answerTime(Duration value) {
            this.answerTime = value;
            return this;
        }

        /** Sets {@link HttpLimits#answerBytes}. */
        public Builder answerBytes(long value) {
            this.answerBytes = value;
            return this;
        }

        /** Sets {@link HttpLimits#views}. */
        public Builder views(int value) {
            this.views = value;
            return this;
        }

        /** Sets {@link HttpLimits#streams}. */
        public Builder streams(int value) {
            this.streams = value;
            return this;
        }

        /** Sets {@link HttpLimits#streamSilence}. */
        public Builder streamSilence(Duration value) {
            this.streamSilence = value;
            return this;
        }

        /** Sets {@link HttpLimits#spareDescriptors}. */
        public Builder spareDescriptors(int value) {
            this.spareDescriptors = value;
            return this;
        }

        /** The limits. */
        public HttpLimits build() {
            return new HttpLimits(ownConnections, connections, connectionsPerClient, headBytes, headers, bodyBytes,
                    pipelined, requestTime, idleTime, answerTime, answerBytes, views, streams, streamSilence,
                    spareDescriptors);
        }
    }
}
