package io.sluice.source;

import io.sluice.service.Protocol;
import java.net.InetAddress;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Addresses that share ports: an EndpointSlice, or a subset of Endpoints. */
public record EndpointSubset(List<Port> ports, List<Address> addresses) {

    public EndpointSubset {
        ports = List.copyOf(ports);
        addresses = List.copyOf(addresses);
    }

    /** A port that every address has; the name is empty for the only one. */
    public record Port(String name, Protocol protocol, int number) {}

    /** One backend: what {@link io.sluice.service.Endpoint} has beside the port. */
    public record Address(InetAddress ip, boolean ready, boolean serving, boolean terminating, @Nullable String node,
            @Nullable String zone, Set<String> zoneHints, Set<String> nodeHints, @Nullable String hostname,
            @Nullable String target) {

        /** The same in {@code otherZone}. */
        public Address inZone(@Nullable String otherZone) {
            return builder(ip).ready(ready).serving(serving).terminating(terminating).node(node).zone(otherZone)
                    .zoneHints(zoneHints).nodeHints(nodeHints).hostname(hostname).target(target).build();
        }

        /** Begins the address of a ready backend of which nothing else is known. */
        public static Builder builder(InetAddress ip) {
            return new Builder(ip);
        }

        /** Gathers what is known of a backend. Not thread-safe. */
        public static final class Builder {

            private final InetAddress ip;
            private boolean ready = true;
            private boolean serving = true;
            private boolean terminating;
            private @Nullable String node;
            private @Nullable String zone;
            private Set<String> zoneHints = Set.of();
            private Set<String> nodeHints = Set.of();
            private @Nullable String hostname;
            private @Nullable String target;

            private Builder(InetAddress ip) {
                this.ip = ip;
            }

            /** Sets {@link Address#ready}. */
            public Builder ready(boolean value) {
                this.ready = value;
                return this;
            }

            /** Sets {@link Address#serving}. */
            public Builder serving(boolean value) {
                this.serving = value;
                return this;
            }

            /** Sets {@link Address#terminating}. */
            public Builder terminating(boolean value) {
                this.terminating = value;
                return this;
            }

            /** Sets {@link Address#node}. */
            public Builder node(@Nullable String value) {
                this.node = value;
                return this;
            }

            /** Sets {@link Address#zone}. */
            public Builder zone(@Nullable String value) {
                this.zone = value;
                return this;
            }

            /** Sets {@link Address#zoneHints}. */
            public Builder zoneHints(Set<String> value) {
                this.zoneHints = value;
                return this;
            }

            /** Sets {@link Address#nodeHints}. */
            public Builder nodeHints(Set<String> value) {
                this.nodeHints = value;
                return this;
            }

            /** Sets {@link Address#hostname}. */
            public Builder hostname(@Nullable String value) {
                this.hostname = value;
                return this;
            }

            /** Sets {@link Address#target}. */
            public Builder target(@Nullable String value) {
                this.target = value;
                return this;
            }

            /** The address. */
            public Address build() {
                return new Address(ip, ready, serving, terminating, node, zone, zoneHints, nodeHints, hostname, target);
            }
        }
    }
}
