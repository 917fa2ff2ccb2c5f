package io.sluice.reconcile;

import io.sluice.dns.server.DnsListener;
import io.sluice.dns.server.DnsServer;
import io.sluice.proxy.AddressKind;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.ClusterSnapshot;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServiceState;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the DNS server in step with the applied snapshot: its names, and the addresses of the DNS Service. Control thread.
 *
 * <p>Where {@code kube-system/kube-dns} is defined and has no endpoint, its DNS ports are answered by this process, UDP and
 * TCP, as both protocols must give the same answers. With endpoints it is proxied as any other Service, unless this process is
 * to answer all the same.
 */
public final class DnsSync {

    /** The Service of the DNS server in every cluster (Kubernetes DNS-Based Service Discovery; kubeadm, CoreDNS). */
    public static final ServiceName DNS_SERVICE = new ServiceName("kube-system", "kube-dns");

    private static final Logger LOG = LoggerFactory.getLogger(DnsSync.class);
    private static final int DNS_PORT = 53;

    private final DnsServer server;
    private final boolean takesService;
    private final boolean beforeEndpoints;
    private final int portOffset;
    /** Whether the DNS Service is left to its endpoints. */
    private boolean left;
    /** Its endpoints have gone, and their listeners are closed before ours are opened. */
    private boolean waits;
    private boolean postponed;
    private final Map<InetSocketAddress, DnsListener> open = new LinkedHashMap<>();
    private final Map<InetSocketAddress, String> failed = new LinkedHashMap<>();
    private volatile List<InetSocketAddress> addresses = List.of();

    /** The same where endpoints answer for the DNS Service if it has any. */
    public DnsSync(DnsServer server, boolean takesService, int portOffset) {
        this(server, takesService, false, portOffset);
    }

    /**
     * Listens on no address yet.
     *
     * @param takesService    whether this process answers at the DNS Service's addresses
     * @param beforeEndpoints whether that is so even if it has endpoints
     * @param portOffset      added to each port of its addresses
     */
    public DnsSync(DnsServer server, boolean takesService, boolean beforeEndpoints, int portOffset) {
        this.server = server;
        this.takesService = takesService;
        this.beforeEndpoints = beforeEndpoints;
        this.portOffset = portOffset;
    }

    /** The addresses of the DNS Service at which this process answers. Any thread. */
    public List<InetSocketAddress> addresses() {
        return addresses;
    }

    /**
     * Takes notice of whether the DNS Service has endpoints, before anything of a snapshot is applied. What its endpoints
     * answer from now on is closed at once: they will be listened for at the same addresses.
     */
    void consider(ClusterSnapshot snapshot) {
        boolean before = left;
        left = hasEndpoints(snapshot);
        waits = before && !left;
        if (left && !before) {
            close(snapshot);
        }
    }

    /** Whether another one than before answers for the DNS Service. */
    boolean changesHands(ClusterSnapshot snapshot) {
        return hasEndpoints(snapshot) != left;
    }

    private boolean hasEndpoints(ClusterSnapshot snapshot) {
        ServiceState state = takesService && !beforeEndpoints ? snapshot.services().get(DNS_SERVICE) : null;
        return state != null && state.service().proxied() && state.ports().stream()
                .anyMatch(port -> isDns(state.service(), port.port()) && port.whyEmpty() == null
                        && !port.endpoints().isEmpty());
    }

    /** Whether this process itself answers at {@code port} of {@code service}. */
    boolean answers(Service service, ServicePort port) {
        return !left && takes(service, port);
    }

    private boolean takes(Service service, ServicePort port) {
        return takesService && isDns(service, port);
    }

    private static boolean isDns(Service service, ServicePort port) {
        return service.name().equals(DNS_SERVICE) && service.proxied()
                && (port.port() == DNS_PORT || service.ports().stream()
                        .anyMatch(other -> other.protocol() == Protocol.UDP && other.port() == port.port()));
    }

    /**
     * Listens on new addresses; call it before the names that lead there are published.
     *
     * @param freeBind whether the addresses need not be this machine's
     */
    void open(ClusterSnapshot snapshot, boolean freeBind) {
        if (waits) {
            waits = false;
            postponed = true;
            return;
        }
        postponed = false;
        Map<InetSocketAddress, CompletableFuture<DnsListener>> opening = new LinkedHashMap<>();
        for (InetSocketAddress address : wanted(snapshot)) {
            if (!open.containsKey(address)) {
                opening.put(address, server.listen(address, freeBind).toCompletableFuture());
            }
        }
        opening.forEach((address, listener) -> {
            try {
                open.put(address, listener.join());
                failed.remove(address);
            } catch (CompletionException e) {
                Throwable kernel = e.getCause() == null ? e : e.getCause();
                if (kernel.getCause() != null) {
                    kernel = kernel.getCause();
                }
                String problem = BindProblems.describe(address, AddressKind.CLUSTER_IP, kernel);
                if (!problem.equals(failed.put(address, problem))) {
                    LOG.warn("{}: {}", DNS_SERVICE, problem);
                }
            }
        });
    }

    /** Publishes the names of {@code snapshot}. */
    void publish(ClusterSnapshot snapshot) {
        server.update(snapshot, snapshot.podAddresses());
    }

    /** Closes the listeners of addresses that are gone. */
    void close(ClusterSnapshot snapshot) {
        Set<InetSocketAddress> wanted = wanted(snapshot);
        failed.keySet().retainAll(wanted);
        for (InetSocketAddress address : List.copyOf(open.keySet())) {
            DnsListener listener = wanted.contains(address) ? null : open.remove(address);
            if (listener != null) {
                listener.close().toCompletableFuture().join();
            }
        }
        addresses = List.copyOf(open.keySet());
    }

    /** Whether a listener could not be opened, so that another attempt is due. */
    boolean incomplete() {
        return postponed || !failed.isEmpty();
    }

    /** The states of the addresses of a port at which this process itself answers. */
    List<ListenerState> listeners(Service service, ServicePort port) {
        List<ListenerState> states = new ArrayList<>();
        for (InetAddress ip : service.clusterIps()) {
            InetSocketAddress address = new InetSocketAddress(ip, port.port() + portOffset);
            ListenerStatus status = open.containsKey(address) ? ListenerStatus.LISTENING : ListenerStatus.FAILED;
            states.add(new ListenerState(address, AddressKind.CLUSTER_IP, status,
                    status == ListenerStatus.FAILED ? failed.getOrDefault(address, "not opened yet") : null));
        }
        return states;
    }

    /** Closes the listeners of all the DNS Service's addresses until {@link #open} is called again. */
    void leave() {
        open.values().stream().map(listener -> listener.close().toCompletableFuture()).toList()
                .forEach(CompletableFuture::join);
        open.clear();
        addresses = List.of();
    }

    /** Closes the DNS server for good. */
    void stop() {
        server.close();
        open.clear();
    }

    /** The DNS Service's addresses with its own ports, whoever answers there. */
    Set<InetSocketAddress> serviceAddresses(ClusterSnapshot snapshot) {
        Set<InetSocketAddress> addresses = new LinkedHashSet<>();
        all(snapshot).forEach(address -> addresses.add(new InetSocketAddress(address.getAddress(),
                address.getPort() - portOffset)));
        return addresses;
    }

    private Set<InetSocketAddress> wanted(ClusterSnapshot snapshot) {
        return left ? Set.of() : all(snapshot);
    }

    private Set<InetSocketAddress> all(ClusterSnapshot snapshot) {
        Set<InetSocketAddress> wanted = new LinkedHashSet<>();
        ServiceState state = takesService ? snapshot.services().get(DNS_SERVICE) : null;
        if (state != null) {
            for (ServicePort port : state.service().ports()) {
                if (takes(state.service(), port) && port.port() + portOffset <= 65_535) {
                    for (InetAddress ip : state.service().clusterIps()) {
                        wanted.add(new InetSocketAddress(ip, port.port() + portOffset));
                    }
                }
            }
        }
        return wanted;
    }
}
