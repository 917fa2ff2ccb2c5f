package io.sluice.proxy;

import java.net.InetSocketAddress;
import java.util.OptionalInt;
import java.util.concurrent.CompletionStage;

/**
 * One address that accepts connections for one Service port.
 *
 * <p>The control thread opens, re-targets and closes it; accepting happens on the event loop that it was given.
 */
public abstract sealed class Listener permits BareListener, ChannelListener {

    /** Until the next attempt after a failed accept. */
    static final int ACCEPT_PAUSE_MILLIS = 100;

    final DataPath dataPath;
    final InetSocketAddress address;
    private volatile Target target;

    /** Whom the address is listened at for, and as what. */
    private record Target(PortProxy port, AddressKind kind) {}

    Listener(DataPath dataPath, InetSocketAddress address, AddressKind kind, PortProxy port) {
        this.dataPath = dataPath;
        this.address = address;
        this.target = new Target(port, kind);
    }

    /** Where it was asked to listen. */
    public final InetSocketAddress address() {
        return address;
    }

    /** Hands all further connections to another port, or to the same as another kind of address, without closing. */
    public final void retarget(PortProxy port, AddressKind kind) {
        target = new Target(port, kind);
    }

    final PortProxy port() {
        return target.port();
    }

    final AddressKind kind() {
        return target.kind();
    }

    /** Binds; fails with the kernel's {@link java.io.IOException} if the address cannot be had. */
    abstract CompletionStage<Listener> open();

    /** Stops to accept after what waits in the kernel's queue; what comes later is refused, accepted ones go on. */
    public abstract CompletionStage<Void> stop();

    /** Stops to accept and leaves what waits in the kernel's queue to the process that has the same socket. */
    public abstract CompletionStage<Void> release();

    /** The open socket, to be given to another process; empty where it cannot be. */
    public abstract OptionalInt descriptor();
}
