package io.sluice.source.manifest;

import io.sluice.service.EndpointAddress;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.source.manifest.Manifest.ContainerPort;
import io.sluice.source.probe.LocalPod;
import io.sluice.source.probe.ReadinessProbe;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Pod.
 *
 * @param ports        of its containers, in the order in which a named targetPort is looked up; the name is empty for none
 * @param elsewhere    where connections to a port of it go instead, by its number; by 0 for ports that are not there
 * @param hasStatus    whether its manifest says what became of it
 * @param serviceLinks {@code enableServiceLinks}
 * @param probe        how its readiness is found out; null if its template does not say
 * @param local        whether our annotations or the command line say where its process runs
 * @param leftOut      why it cannot be an endpoint; null if it can
 */
record PodManifest(ServiceName name, String location, Map<String, String> labels, List<InetAddress> ips,
        boolean ready, boolean terminating, @Nullable String node, @Nullable String hostname,
        @Nullable String subdomain, List<ContainerPort> ports,
        Map<Integer, List<EndpointAddress>> elsewhere, boolean hasStatus, boolean serviceLinks,
        @Nullable ReadinessProbe probe, boolean local, @Nullable String leftOut)
        implements Manifest {

    /** Where connections to its port {@code number} go. */
    List<EndpointAddress> at(int number) {
        List<EndpointAddress> other = elsewhere.getOrDefault(number, elsewhere.get(0));
        return other == null || number == 0
                ? ips.stream().map(ip -> new EndpointAddress(ip, number)).toList()
                : other;
    }

    /** What who probes its process has to know. */
    LocalPod probed() {
        int main = PodReader.mainPort(ports);
        ContainerPort first = ports.isEmpty() ? null : ports.getFirst();
        int number = main == 0 && first != null ? first.port() : main;
        EndpointAddress at = ips.isEmpty() ? null : at(number).getFirst();
        int asked = probe == null ? 0 : probe.action().port();
        return new LocalPod(name, probe, at(asked == 0 ? number : asked).getFirst(),
                at == null || at.port() == 0 || first != null && first.protocol() != Protocol.TCP ? null : at);
    }

    /** This Pod with a name and addresses of its own; a status says nothing about it then, and it is ready. */
    PodManifest placed(ServiceName as, @Nullable String hostname, List<InetAddress> ips,
            Map<Integer, List<EndpointAddress>> elsewhere) {
        return new PodManifest(as, location, labels, ips, ready || hasStatus, false, node, hostname, subdomain, ports,
                elsewhere,
                true, serviceLinks, probe, true, null);
    }

    /** Begins a Pod that has a name and a place only. */
    static Builder builder(ServiceName name, String location) {
        return new Builder(name, location);
    }

    /** Gathers what a manifest says. Not thread-safe. */
    static final class Builder {

        private final ServiceName name;
        private final String location;
        private Map<String, String> labels = Map.of();
        private List<InetAddress> ips = List.of();
        private boolean ready;
        private boolean terminating;
        private @Nullable String node;
        private @Nullable String hostname;
        private @Nullable String subdomain;
        private List<ContainerPort> ports = List.of();
        private Map<Integer, List<EndpointAddress>> elsewhere = Map.of();
        private boolean hasStatus = true;
        private boolean serviceLinks = true;
        private @Nullable ReadinessProbe probe;
        private boolean local;
        private @Nullable String leftOut;

        private Builder(ServiceName name, String location) {
            this.name = name;
            this.location = location;
        }

        /** Sets {@link PodManifest#labels}. */
        Builder labels(Map<String, String> value) {
            this.labels = value;
            return this;
        }

        /** Sets {@link PodManifest#ips}. */
        Builder ips(List<InetAddress> value) {
            this.ips = value;
            return this;
        }

        /** Sets {@link PodManifest#ready}. */
        Builder ready(boolean value) {
            this.ready = value;
            return this;
        }

        /** Sets {@link PodManifest#terminating}. */
        Builder terminating(boolean value) {
            this.terminating = value;
            return this;
        }

        /** Sets {@link PodManifest#node}. */
        Builder node(@Nullable String value) {
            this.node = value;
            return this;
        }

        /** Sets {@link PodManifest#hostname}. */
        Builder hostname(@Nullable String value) {
            this.hostname = value;
            return this;
        }

        /** Sets {@link PodManifest#subdomain}. */
        Builder subdomain(@Nullable String value) {
            this.subdomain = value;
            return this;
        }

        /** Sets {@link PodManifest#ports}. */
        Builder ports(List<ContainerPort> value) {
            this.ports = value;
            return this;
        }

        /** Sets {@link PodManifest#elsewhere}. */
        Builder elsewhere(Map<Integer, List<EndpointAddress>> value) {
            this.elsewhere = value;
            return this;
        }

        /** Sets {@link PodManifest#hasStatus}. */
        Builder hasStatus(boolean value) {
            this.hasStatus = value;
            return this;
        }

        /** Sets {@link PodManifest#serviceLinks}. */
        Builder serviceLinks(boolean value) {
            this.serviceLinks = value;
            return this;
        }

        /** Sets {@link PodManifest#probe}. */
        Builder probe(@Nullable ReadinessProbe value) {
            this.probe = value;
            return this;
        }

        /** Sets {@link PodManifest#local}. */
        Builder local(boolean value) {
            this.local = value;
            return this;
        }

        /** Sets {@link PodManifest#leftOut}. */
        Builder leftOut(@Nullable String value) {
            this.leftOut = value;
            return this;
        }

        /** The Pod. */
        PodManifest build() {
            return new PodManifest(name, location, labels, ips, ready, terminating, node, hostname, subdomain, ports,
                    elsewhere, hasStatus, serviceLinks, probe, local, leftOut);
        }
    }
}
