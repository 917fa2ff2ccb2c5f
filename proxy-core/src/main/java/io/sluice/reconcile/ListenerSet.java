package io.sluice.reconcile;

import io.sluice.service.ServiceState;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.ServicePortTargets;
import io.sluice.proxy.AcceptingSocket;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.reconcile.AppliedState.ListenerStatus;
import io.sluice.service.Protocol;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses on which the data path listens, and those on which it should and cannot. Confined to the control thread.
 *
 * <p>Make before break: {@link #open} closes nothing and hands an address that moves to its new owner without closing the
 * socket; {@link #close} comes after everything that leads clients there is gone.
 */
final class ListenerSet implements ServiceListeners {

    private static final Logger LOG = LoggerFactory.getLogger(ListenerSet.class);

    /** One address, the claim that it is open for, and its socket. */
    private record Open(Claim claim, AcceptingSocket listener) {}

    /** Opens sockets. Control thread. */
    @FunctionalInterface
    interface Opener {

        /**
         * Listens on an address; the stage fails with the kernel's exception if it cannot.
         *
         * @param freeBind whether the address need not be one of this machine yet
         */
        CompletionStage<? extends AcceptingSocket> listen(InetSocketAddress address, AddressKind kind,
                ServicePortTargets port, boolean freeBind);
    }

    private final Opener opener;
    private final ServicePorts ports;
    private final Map<InetSocketAddress, Open> open = new HashMap<>();
    private final Map<InetSocketAddress, String> failed = new HashMap<>();
    private final DatagramSet datagrams;

    /** Listens on no address yet. */
    ListenerSet(Opener opener, DatagramSet datagrams, ServicePorts ports) {
        this.opener = opener;
        this.datagrams = datagrams;
        this.ports = ports;
    }

    @Override
    public int open(AddressPlan plan, boolean opens, boolean freeBind) {
        Map<InetSocketAddress, CompletableFuture<? extends AcceptingSocket>> opening = new LinkedHashMap<>();
        ListenProblems problems = new ListenProblems(failed);
        plan.claimed().forEach((address, claim) -> {
            RoutedPort port = ports.find(claim.owner());
            Open current = open.get(address);
            if (port == null || !ports.usable(address, claim) || !opens && current == null) {
                return;
            }
            String unavailable = plan.unavailable().get(address.getAddress());
            if (current != null) {
                if (!current.claim().equals(claim)) {
                    current.listener().retarget(port.targets(), claim.kind());
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
            Claim claim = plan.claimed().get(address);
            if (claim != null) {
                await(address, claim, listener, problems);
            }
        });
        problems.log(LOG);
        return open.size() - before + datagrams.open(plan, opens, freeBind);
    }

    private void await(InetSocketAddress address, Claim claim, CompletableFuture<? extends AcceptingSocket> listener,
            ListenProblems problems) {
        try {
            open.put(address, new Open(claim, listener.join()));
            if (failed.remove(address) != null) {
                NamedLine.of(claim.owner(), claim.owner() + ": listening on " + AddressClaims.display(address) + " now")
                        .log(LOG.atInfo());
            }
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            problems.notBound(address, claim, BindProblems.describe(address, claim.kind(), cause), cause);
        }
    }

    @Override
    public int close(AddressPlan plan) {
        List<InetSocketAddress> surplus =
                open.keySet().stream().filter(address -> !ports.served(plan, address)).toList();
        close(surplus);
        failed.keySet().removeIf(address -> !ports.served(plan, address));
        return surplus.size() + datagrams.close(plan);
    }

    private void close(Collection<InetSocketAddress> addresses) {
        List<CompletableFuture<Void>> closing = new ArrayList<>();
        for (InetSocketAddress address : addresses) {
            Open listening = open.remove(address);
            if (listening != null) {
                closing.add(listening.listener().stop().toCompletableFuture());
            }
        }
        closing.forEach(CompletableFuture::join);
    }

    /** Listeners do not know endpoints. */
    @Override
    public void endpointsChanged(List<ServiceState> services) {
        // Nothing depends on them.
    }

    @Override
    public void closeAll() {
        close(List.copyOf(open.keySet()));
        datagrams.closeAll();
    }

    /** Who has the other copies accepts what waits. */
    @Override
    public void release() {
        open.values().stream().map(o -> o.listener().release().toCompletableFuture()).toList()
                .forEach(CompletableFuture::join);
        open.clear();
        datagrams.releaseAll();
    }

    @Override
    public void retreat() {
        release();
    }

    @Override
    public List<Integer> descriptors() {
        // A daemon that knows of no datagrams keeps the last of two sockets at one address.
        List<Integer> descriptors = datagrams.descriptors();
        open.values().forEach(o -> o.listener().descriptor().ifPresent(descriptors::add));
        return descriptors;
    }

    @Override
    public int size() {
        return open.size() + datagrams.size();
    }

    @Override
    public boolean incomplete() {
        return !failed.isEmpty() || datagrams.incomplete();
    }

    @Override
    public boolean failedAt(InetSocketAddress address) {
        return failed.containsKey(address);
    }

    /** Only this process closes its sockets. */
    @Override
    public boolean repair() {
        return false;
    }

    /** The kernel closes sockets with their process. */
    @Override
    public void end(boolean keep) {
        // Nothing outlives them.
    }

    @Override
    public ListenerState state(InetSocketAddress address, Claim claim) {
        if (claim.owner().protocol() == Protocol.UDP) {
            return datagrams.state(address, claim);
        }
        String problem = failed.get(address);
        ListenerStatus status = open.containsKey(address)
                ? ListenerStatus.LISTENING
                : problem != null ? ListenerStatus.FAILED : ListenerStatus.NO_ENDPOINTS;
        return new ListenerState(address, claim.kind(), status, problem);
    }
}
