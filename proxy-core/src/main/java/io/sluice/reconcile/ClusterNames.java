package io.sluice.reconcile;

import io.sluice.dns.DnsListener;
import io.sluice.dns.DnsServer;
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
 * The names of the snapshot that is applied, and the DNS Service's own addresses. Control thread.
 *
 * <p>Where {@code kube-system/kube-dns} is defined, its DNS ports are answered by this process instead of being proxied:
 * UDP is not proxied at all, and both protocols must give the same answers.
 */
public final class ClusterNames {

    /** Which Service the DNS server is in every cluster (Kubernetes DNS-Based Service Discovery; kubeadm, CoreDNS). */
    public static final ServiceName DNS_SERVICE = new ServiceName("kube-system", "kube-dns");

    private static final Logger LOG = LoggerFactory.getLogger(ClusterNames.class);
    private static final int DNS_PORT = 53;

    private final DnsServer server;
    private final boolean takesService;
    private final int portOffset;
    private final Map<InetSocketAddress, DnsListener> open = new LinkedHashMap<>();
    private final Map<InetSocketAddress, String> failed = new LinkedHashMap<>();
    private volatile List<InetSocketAddress> addresses = List.of();

    /**
     * Answers at no address yet.
     *
     * @param takesService whether the DNS Service's addresses are ours
     * @param portOffset   added to each port of its addresses
     */
    public ClusterNames(DnsServer server, boolean takesService, int portOffset) {
        this.server = server;
        this.takesService = takesService;
        this.portOffset = portOffset;
    }

    /** The DNS Service's addresses that are answered. Any thread. */
    public List<InetSocketAddress> addresses() {
        return addresses;
    }

    /** Whether {@code port} of {@code service} is answered here. */
    boolean answers(Service service, ServicePort port) {
        return takesService && service.name().equals(DNS_SERVICE) && service.proxied()
                && (port.port() == DNS_PORT || service.ports().stream()
                        .anyMatch(other -> other.protocol() == Protocol.UDP && other.port() == port.port()));
    }

    /**
     * Answers at new addresses: to be called before the names that lead there are given out.
     *
     * @param freeBind whether the addresses need not be this machine's
     */
    void open(ClusterSnapshot snapshot, boolean freeBind) {
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

    /** Gives the names of {@code snapshot} out. */
    void publish(ClusterSnapshot snapshot) {
        server.update(snapshot, snapshot.podAddresses());
    }

    /** Stops to answer at addresses that are gone. */
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

    /** Whether an address could not be had: worth another attempt. */
    boolean incomplete() {
        return !failed.isEmpty();
    }

    /** How the addresses of a port that is answered here are. */
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

    /** Answers at none of the DNS Service's addresses until {@link #open} is called again. */
    void leave() {
        open.values().stream().map(listener -> listener.close().toCompletableFuture()).toList()
                .forEach(CompletableFuture::join);
        open.clear();
        addresses = List.of();
    }

    /** Answers nobody any more. */
    void stop() {
        server.close();
        open.clear();
    }

    /** The DNS Service's addresses with its own ports. */
    Set<InetSocketAddress> serviceAddresses(ClusterSnapshot snapshot) {
        Set<InetSocketAddress> addresses = new LinkedHashSet<>();
        wanted(snapshot).forEach(address -> addresses.add(new InetSocketAddress(address.getAddress(),
                address.getPort() - portOffset)));
        return addresses;
    }

    private Set<InetSocketAddress> wanted(ClusterSnapshot snapshot) {
        Set<InetSocketAddress> wanted = new LinkedHashSet<>();
        ServiceState state = takesService ? snapshot.services().get(DNS_SERVICE) : null;
        if (state != null) {
            for (ServicePort port : state.service().ports()) {
                if (answers(state.service(), port) && port.port() + portOffset <= 65_535) {
                    for (InetAddress ip : state.service().clusterIps()) {
                        wanted.add(new InetSocketAddress(ip, port.port() + portOffset));
                    }
                }
            }
        }
        return wanted;
    }
}
