package io.sluice.proxy;

import io.sluice.linux.SocketName;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Service ports of intercepted datagrams, by the address that a client sends to. Each address has a transparent socket, by
 * which replies leave, and to which the kernel gives datagrams by itself; behind a bridge with br_netfilter it finds no other
 * one. Those of the first addresses are opened at once, the others when a datagram to their address comes to the one socket of
 * all ({@link DatagramInterceptor}). The control thread changes entries; event loops look them up and open sockets.
 */
public final class InterceptedDatagrams {

    private static final Logger LOG = LoggerFactory.getLogger(InterceptedDatagrams.class);

    /** The sockets that are opened before the first datagram to their address; each takes a descriptor. */
    private static final int MOST_OPENED_EARLY = 500;

    private final Map<SocketName, Destination> destinations = new ConcurrentHashMap<>();
    private final Map<InetSocketAddress, NativeDatagramListener> listeners = new ConcurrentHashMap<>();

    /**
     * Datagrams to {@code address} are for {@code port} from now on. Its socket is opened if it is one of the first, or if an
     * old process had it. Control thread; waits for the event loop of a socket that is open already.
     */
    public void put(InetSocketAddress address, AddressKind kind, ServicePortTargets port, Datagrams datagrams) {
        Destination next = new Destination(address, port, kind);
        Destination before = destinations.put(SocketName.of(address), next);
        NativeDatagramListener listener = listeners.get(address);
        if (listener != null && !next.equals(before)) {
            listener.retarget(port, kind).toCompletableFuture().join();
        } else if (listener == null && (listeners.size() < MOST_OPENED_EARLY || datagrams.inherits(address))) {
            NativeDatagramListener early = listener(next, datagrams);
            early.open().whenComplete((opened, failure) -> {
                if (failure != null) {
                    LOG.debug("the first datagram tries it again", failure);
                    failed(early);
                }
            });
        }
    }

    /** Datagrams to {@code address} belong to no Service any more. */
    public void remove(InetSocketAddress address) {
        destinations.remove(SocketName.of(address));
        NativeDatagramListener listener = listeners.remove(address);
        if (listener != null) {
            listener.stop().toCompletableFuture().join();
        }
    }

    /** Ends as a daemon does: {@link DatagramListener#finish} for all. */
    public void finishAll() {
        all(DatagramListener::finish);
    }

    /** {@link DatagramListener#release} for all. */
    public void releaseAll() {
        all(DatagramListener::release);
    }

    private void all(Function<DatagramListener, CompletionStage<Void>> step) {
        destinations.clear();
        listeners.values().stream().map(listener -> step.apply(listener).toCompletableFuture()).toList()
                .forEach(CompletableFuture::join);
        listeners.clear();
    }

    /** The open sockets, to be given to another process. */
    public List<Integer> descriptors() {
        List<Integer> descriptors = new ArrayList<>();
        listeners.values().forEach(listener -> listener.descriptor().ifPresent(descriptors::add));
        return descriptors;
    }

    /** What {@code name} belongs to; null for no Service. On event loops. */
    @Nullable
    Destination find(SocketName name) {
        return destinations.get(name);
    }

    /** The listener of an address, which may not be open yet. On event loops. */
    NativeDatagramListener listener(Destination destination, Datagrams datagrams) {
        return listeners.computeIfAbsent(destination.address(), address -> datagrams.transparent(destination));
    }

    /** It could not be opened: the next datagram tries it again. */
    void failed(NativeDatagramListener listener) {
        listeners.remove(listener.address(), listener);
    }
}
