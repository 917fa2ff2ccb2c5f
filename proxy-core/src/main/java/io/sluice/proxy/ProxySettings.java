package io.sluice.proxy;

import io.sluice.service.HandoffPolicy;
import io.sluice.service.PeerTimeouts;
import io.sluice.service.SourcePortRange;
import java.time.Duration;

/**
 * Settings of the data path.
 *
 * @param workerThreads            event loops, at least 1
 * @param connectTimeout           for one attempt at one endpoint
 * @param connectRetries           how many further endpoints are tried while the client waits, 0 for none
 * @param idleTimeout              a connection without a byte for this long is ended; zero for never
 * @param halfCloseTimeout         the same once one side has finished sending; always positive
 * @param maxConnections           of all Services together; one more is reset
 * @param maxConnectionsPerService of one Service; one more is reset; 0 for no such limit
 * @param backlog                  the kernel's accept queue of each listener
 * @param buffers                  limits of bytes that are kept until they are delivered
 * @param connectionMark           mark of connections to endpoints and of intercepted ones (SO_MARK, socket(7); needs
 *                                 CAP_NET_ADMIN); 0 for none
 * @param peers                    when a client or an endpoint is taken for dead
 * @param flows                    of datagrams
 * @param handoff                  connections that are handed to the kernel
 */
public record ProxySettings(Transport transport, int workerThreads, Duration connectTimeout, int connectRetries,
        Duration idleTimeout, Duration halfCloseTimeout, int maxConnections, int maxConnectionsPerService,
        int backlog, BufferLimits buffers, int connectionMark, PeerTimeouts peers, FlowSettings flows,
        HandoffSettings handoff) {

    /** The same with a mark for connections to endpoints. */
    public ProxySettings marked(int mark) {
        return new ProxySettings(transport, workerThreads, connectTimeout, connectRetries, idleTimeout,
                halfCloseTimeout, maxConnections, maxConnectionsPerService, backlog, buffers, mark, peers, flows,
                handoff);
    }

    /** The same with other connections that are handed to the kernel. */
    public ProxySettings handing(HandoffSettings other) {
        return new ProxySettings(transport, workerThreads, connectTimeout, connectRetries, idleTimeout,
                halfCloseTimeout, maxConnections, maxConnectionsPerService, backlog, buffers, connectionMark, peers,
                flows, other);
    }

    /** The ports of connections in a client's name: where packets have marks, the kernel finds the sockets of replies itself. */
    SourcePortRange sourcePorts() {
        return connectionMark == 0 ? SourcePortRange.ROUTED : SourcePortRange.INTERCEPTED;
    }

    /** Begins settings without a limit of connections and without a mark. */
    public static Builder builder() {
        return new Builder();
    }

    /** Gathers settings; what is not set has the default of its flag. Not thread-safe. */
    public static final class Builder {

        private Transport transport = Transport.AUTO;
        private int workerThreads = Runtime.getRuntime().availableProcessors();
        private Duration connectTimeout = Duration.ofSeconds(2);
        private int connectRetries = 3;
        private Duration idleTimeout = Duration.ZERO;
        private Duration halfCloseTimeout = Duration.ofHours(1);
        private int maxConnections = Integer.MAX_VALUE;
        private int maxConnectionsPerService;
        private int backlog = 4_096;
        private BufferLimits buffers = BufferLimits.DEFAULT;
        private int connectionMark;
        private PeerTimeouts peers = PeerTimeouts.DEFAULT;
        private FlowSettings flows = FlowSettings.DEFAULT;
        private HandoffSettings handoff = HandoffSettings.NEVER;

        private Builder() {}

        /** Sets {@link ProxySettings#transport}. */
        public Builder transport(Transport value) {
            this.transport = value;
            return this;
        }

        /** Sets {@link ProxySettings#workerThreads}. */
        public Builder workerThreads(int value) {
            this.workerThreads = value;
            return this;
        }

        /** Sets {@link ProxySettings#connectTimeout}. */
        public Builder connectTimeout(Duration value) {
            this.connectTimeout = value;
            return this;
        }

        /** Sets {@link ProxySettings#connectRetries}. */
        public Builder connectRetries(int value) {
            this.connectRetries = value;
            return this;
        }

        /** Sets {@link ProxySettings#idleTimeout}. */
        public Builder idleTimeout(Duration value) {
            this.idleTimeout = value;
            return this;
        }

        /** Sets {@link ProxySettings#halfCloseTimeout}. */
        public Builder halfCloseTimeout(Duration value) {
            this.halfCloseTimeout = value;
            return this;
        }

        /** Sets {@link ProxySettings#maxConnections}. */
        public Builder maxConnections(int value) {
            this.maxConnections = value;
            return this;
        }

        /** Sets {@link ProxySettings#maxConnectionsPerService}. */
        public Builder maxConnectionsPerService(int value) {
            this.maxConnectionsPerService = value;
            return this;
        }

        /** Sets {@link ProxySettings#backlog}. */
        public Builder backlog(int value) {
            this.backlog = value;
            return this;
        }

        /** Sets {@link ProxySettings#buffers}. */
        public Builder buffers(BufferLimits value) {
            this.buffers = value;
            return this;
        }

        /** Sets {@link ProxySettings#connectionMark}. */
        public Builder connectionMark(int value) {
            this.connectionMark = value;
            return this;
        }

        /** Sets {@link ProxySettings#peers}. */
        public Builder peers(PeerTimeouts value) {
            this.peers = value;
            return this;
        }

        /** Sets {@link ProxySettings#flows}. */
        public Builder flows(FlowSettings value) {
            this.flows = value;
            return this;
        }

        /** Sets {@link ProxySettings#handoff}. */
        public Builder handoff(HandoffPolicy value) {
            this.handoff = HandoffSettings.NEVER.with(value);
            return this;
        }

        /** The settings. */
        public ProxySettings build() {
            return new ProxySettings(transport, workerThreads, connectTimeout, connectRetries, idleTimeout,
                    halfCloseTimeout, maxConnections, maxConnectionsPerService, backlog, buffers, connectionMark,
                    peers, flows, handoff);
        }
    }
}
