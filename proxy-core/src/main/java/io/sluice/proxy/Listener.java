package io.sluice.proxy;

import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * One socket that accepts connections: those of one Service port at one address, or intercepted ones of all ports.
 *
 * <p>The control thread opens, re-targets and closes it; accepting happens on its event loop.
 */
public abstract sealed class Listener implements AcceptingSocket, InterceptingSocket
        permits NativeListener, ChannelListener {

    /** The time until the next attempt after a failed accept. */
    static final int ACCEPT_PAUSE_MILLIS = 100;

    final DataPath dataPath;
    final InetSocketAddress address;
    /** Null for intercepted connections, each of which has a destination of its own. */
    private volatile @Nullable Destination destination;

    /** @param destination of all connections; null for intercepted ones */
    Listener(DataPath dataPath, InetSocketAddress address, @Nullable Destination destination) {
        this.dataPath = dataPath;
        this.address = address;
        this.destination = destination;
    }

    /** The address that it was opened for. */
    public final InetSocketAddress address() {
        return address;
    }

    @Override
    public final void retarget(ServicePortTargets port, AddressKind kind) {
        destination = new Destination(address, port, kind);
    }

    final @Nullable Destination destination() {
        return destination;
    }

    /** For messages: the Service port, or the address of intercepted connections. */
    final String subject() {
        Destination all = destination;
        return all == null ? "the intercepted Services at " + address : all.port().name().toString();
    }

    /** Binds; fails with the kernel's {@link java.io.IOException} if it cannot. */
    abstract CompletionStage<Listener> open();

    @Override
    public abstract CompletionStage<Void> stop();

    @Override
    public abstract CompletionStage<Void> acceptWaiting();

    @Override
    public abstract CompletionStage<Void> release();

    @Override
    public abstract OptionalInt descriptor();

    @Override
    public abstract Optional<InetSocketAddress> boundAddress();
}
