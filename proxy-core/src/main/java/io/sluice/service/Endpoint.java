package io.sluice.service;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One backend of one Service port, as an EndpointSlice gives it.
 *
 * @param ready       may take new connections
 * @param serving     passes its readiness probe, whether terminating or not
 * @param terminating is being deleted
 * @param node        {@code nodeName}, null if not known
 * @param zone        the node's zone, null if not known
 * @param zoneHints   {@code hints.forZones}
 * @param nodeHints   {@code hints.forNodes}
 * @param hostname    {@code hostname}, for DNS; null for none
 * @param target      name of the Pod behind it ({@code targetRef}), null if there is none
 * @param whyNotReady the reason where it is known, as of a process on this machine; null else
 */
public record Endpoint(EndpointAddress address, boolean ready, boolean serving, boolean terminating,
        @Nullable String node, @Nullable String zone, Set<String> zoneHints, Set<String> nodeHints,
        @Nullable String hostname, @Nullable String target, @Nullable String whyNotReady) {

    public Endpoint {
        zoneHints = Set.copyOf(zoneHints);
        nodeHints = Set.copyOf(nodeHints);
    }

    /** A ready endpoint of which nothing else is known. */
    public static Endpoint ready(EndpointAddress address) {
        return builder(address).build();
    }

    /**
     * This one, failing its readiness probe.
     *
     * @param published whether its Service takes endpoints that are not ready, too
     */
    public Endpoint notReady(boolean published, String why) {
        return new Endpoint(address, published && ready, false, terminating, node, zone, zoneHints, nodeHints, hostname,
                target, why);
    }

    /**
     * Of two entries of one address the one with the higher rank counts: ready, then serving while terminating, then
     * others.
     */
    int rank() {
        return ready ? 2 : serving && terminating ? 1 : 0;
    }

    /** Begins a ready endpoint of which nothing else is known. */
    public static Builder builder(EndpointAddress address) {
        return new Builder(address);
    }

    /** Gathers what is known of an endpoint. Not thread-safe. */
    public static final class Builder {

        private final EndpointAddress address;
        private boolean ready = true;
        private boolean serving = true;
        private boolean terminating;
        private @Nullable String node;
        private @Nullable String zone;
        private Set<String> zoneHints = Set.of();
        private Set<String> nodeHints = Set.of();
        private @Nullable String hostname;
        private @Nullable String target;

        private Builder(EndpointAddress address) {
            this.address = address;
        }

        /** Sets {@link Endpoint#ready}. */
        public Builder ready(boolean value) {
            this.ready = value;
            return this;
        }

        /** Sets {@link Endpoint#serving}. */
        public Builder serving(boolean value) {
            this.serving = value;
            return this;
        }

        /** Sets {@link Endpoint#terminating}. */
        public Builder terminating(boolean value) {
            this.terminating = value;
            return this;
        }

        /** Sets {@link Endpoint#node}. */
        public Builder node(@Nullable String value) {
            this.node = value;
            return this;
        }

        /** Sets {@link Endpoint#zone}. */
        public Builder zone(@Nullable String value) {
            this.zone = value;
            return this;
        }

        /** Sets {@link Endpoint#zoneHints}. */
        public Builder zoneHints(Set<String> value) {
            this.zoneHints = value;
            return this;
        }

        /** Sets {@link Endpoint#nodeHints}. */
        public Builder nodeHints(Set<String> value) {
            this.nodeHints = value;
            return this;
        }

        /** Sets {@link Endpoint#hostname}. */
        public Builder hostname(@Nullable String value) {
            this.hostname = value;
            return this;
        }

        /** Sets {@link Endpoint#target}. */
        public Builder target(@Nullable String value) {
            this.target = value;
            return this;
        }

        /** The endpoint. */
        public Endpoint build() {
            return new Endpoint(address, ready, serving, terminating, node, zone, zoneHints, nodeHints, hostname,
                    target, null);
        }
    }
}
