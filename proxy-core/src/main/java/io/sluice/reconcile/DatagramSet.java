package io.sluice.reconcile;

import io.sluice.proxy.ReceivingSocket;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.ServicePortTargets;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses at which the data path receives datagrams, and those at which it should and cannot; what {@link ListenerSet} is
 * for connections. Confined to the control thread.
 */
final class DatagramSet {

    private static final Logger LOG = LoggerFactory.getLogger(DatagramSet.class);

    /** One address, the claim that it is open for, and its socket. */
    private record Open(Claim claim, ReceivingSocket listener) {}

    /** Opens sockets. Control thread. */
    @FunctionalInterface
    interface Opener {

        /** As {@link io.sluice.proxy.Datagrams#listen}. */
        CompletionStage<? extends ReceivingSocket> listen(InetSocketAddress address, AddressKind kind,
                ServicePortTargets port, boolean freeBind);
    }

    private final Opener opener;
    private final ServicePorts ports;
    private final Map<InetSocketAddress, Open> open = new HashMap<>();
    private final Map<InetSocketAddress, String> failed = new HashMap<>();

    /** Receives nothing yet. */
    DatagramSet(Opener opener, ServicePorts ports) {
        this.opener = opener;
        this.ports = ports;
    }

    /** As {@link ServiceListeners#open}. */
    int open(AddressPlan plan, boolean opens, boolean freeBind) {
        Map<InetSocketAddress, CompletableFuture<? extends ReceivingSocket>> opening = new LinkedHashMap<>();
        ListenProblems problems = new ListenProblems(failed);
        plan.claimedForDatagrams().forEach((address, claim) -> {
            RoutedPort port = ports.find(claim.owner());
            Open current = open.get(address);
            if (port == null || !ports.usable(address, claim) || !opens && current == null) {
                return;
            }
            String unavailable = plan.unavailable().get(address.getAddress());
            if (current != null) {
                if (!current.claim().equals(claim)) {
                    current.listener().retarget(port.targets(), claim.kind()).toCompletableFuture().join();
                    open.put(address, new Open(claim, current.listener()));
                }
            } else if (unavailable != null) {
                problems.unavailable(address, claim, unavailable);
            } else {
                opening.put(address,
                        opener.listen(address, claim.kind(), port.targets(), freeBind).toCompletableFuture());
            }
        });
        int before = open.size();
        opening.forEach((address, listener) -> {
            Claim claim = plan.claimedForDatagrams().get(address);
            if (claim != null) {
                await(address, claim, listener, problems);
            }
        });
        problems.log(LOG);
        return open.size() - before;
    }

    private void await(InetSocketAddress address, Claim claim, CompletableFuture<? extends ReceivingSocket> listener,
            ListenProblems problems) {
        try {
            open.put(address, new Open(claim, listener.join()));
            if (failed.remove(address) != null) {
                NamedLine.of(claim.owner(), claim.owner() + ": receiving at " + AddressClaims.display(address) + " now")
                        .log(LOG.atInfo());
            }
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            problems.notBound(address, claim, BindProblems.describeDatagrams(address, claim.kind(), cause), cause);
        }
    }

    /** As {@link ServiceListeners#close}. */
    int close(AddressPlan plan) {
        List<InetSocketAddress> surplus =
                open.keySet().stream().filter(address -> !ports.servedDatagrams(plan, address)).toList();
        List<CompletableFuture<Void>> closing = new ArrayList<>();
        for (InetSocketAddress address : surplus) {
            Open receiving = open.remove(address);
            if (receiving != null) {
                closing.add(receiving.listener().stop().toCompletableFuture());
            }
        }
        closing.forEach(CompletableFuture::join);
        failed.keySet().removeIf(address -> !ports.servedDatagrams(plan, address));
        return surplus.size();
    }

    /** Receives nothing more; flows that wait for a reply get it as long as the data path lasts. */
    void closeAll() {
        all(ReceivingSocket::finish);
    }

    /** The same, but that another process receives what comes. */
    void releaseAll() {
        all(ReceivingSocket::release);
    }

    private void all(Function<ReceivingSocket, CompletionStage<Void>> step) {
        open.values().stream().map(o -> step.apply(o.listener()).toCompletableFuture()).toList()
                .forEach(CompletableFuture::join);
        open.clear();
    }

    List<Integer> descriptors() {
        List<Integer> descriptors = new ArrayList<>();
        open.values().forEach(o -> o.listener().descriptor().ifPresent(descriptors::add));
        return descriptors;
    }

    int size() {
        return open.size();
    }

    boolean incomplete() {
        return !failed.isEmpty();
    }

    ListenerState state(InetSocketAddress address, Claim claim) {
        String problem = failed.get(address);
        ListenerStatus status = open.containsKey(address)
                ? ListenerStatus.LISTENING
                : problem != null ? ListenerStatus.FAILED : ListenerStatus.NO_ENDPOINTS;
        return new ListenerState(address, claim.kind(), status, problem);
    }
}
