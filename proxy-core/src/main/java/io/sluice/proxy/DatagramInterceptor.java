package io.sluice.proxy;

import io.sluice.datagram.FlowKey;
import io.sluice.linux.DatagramBatch;
import io.sluice.linux.SocketName;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.TcpCalls;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The socket to which the kernel gives the first datagrams to an address of a Service (TPROXY), and all those for which it
 * finds no other socket. The control thread opens and closes it.
 */
public final class DatagramInterceptor implements OpenSocket {

    private static final Logger LOG = LoggerFactory.getLogger(DatagramInterceptor.class);

    private static final int AT_ONCE = 16;
    /** The datagrams that wait for their event loop; more are lost, as they are where the kernel keeps too many. */
    private static final int MOST_UNDER_WAY = 256;
    private static final int CLOSED = -1;

    /** Receives for as long as the socket is open. */
    private final class Strays extends FlowSockets.Receiver {
        @Override
        void ready() {
            try {
                receive();
            } catch (RuntimeException | Error e) {
                engine.fault("intercepted Services", e);
            }
        }
    }

    private final Datagrams datagrams;
    private final NativeFlowEngine engine;
    private final InetSocketAddress loopback;
    private final InterceptedDatagrams services;
    private final DatagramBatch batch = new DatagramBatch(AT_ONCE, true, true);
    private final SocketName meant = new SocketName();
    private final Strays strays = new Strays();
    private final RepeatedWarning notOpened = new RepeatedWarning(LOG);
    private final AtomicInteger underWay = new AtomicInteger();
    private volatile int fd;

    DatagramInterceptor(Datagrams datagrams, NativeFlowEngine engine, InetSocketAddress loopback,
            InterceptedDatagrams services, int inherited) {
        this.datagrams = datagrams;
        this.engine = engine;
        this.loopback = loopback;
        this.services = services;
        this.fd = inherited == NativeListener.NOT_INHERITED ? CLOSED : inherited;
    }

    CompletionStage<DatagramInterceptor> open() {
        CompletableFuture<DatagramInterceptor> opened = new CompletableFuture<>();
        engine.eventLoop.execute(() -> {
            try {
                if (fd == CLOSED) {
                    fd = bound();
                }
                CompletableFuture<Void> accepting = datagrams.accepting();
                if (accepting.isDone()) {
                    engine.waiting().add(fd, strays);
                } else {
                    accepting.thenRun(() -> engine.eventLoop.execute(this::receiveLater));
                }
                opened.complete(this);
            } catch (IOException | RuntimeException | Error e) {
                close();
                opened.completeExceptionally(e);
            }
        });
        return opened;
    }

    private int bound() throws IOException {
        boolean ipv6 = IpFamily.of(loopback.getAddress()) == IpFamily.IPV6;
        TcpCalls calls = engine.sockets();
        int made = engine.calls().open(ipv6);
        try {
            NativeDatagramListener.widen(calls, made);
            calls.option(made, SocketOptions.IPPROTO_IP, SocketOptions.IP_TRANSPARENT, 1);
            calls.option(made, SocketOptions.SOL_SOCKET, SocketOptions.SO_MARK, datagrams.mark());
            if (ipv6) {
                calls.option(made, SocketOptions.IPPROTO_IPV6, SocketOptions.IPV6_RECVORIGDSTADDR, 1);
            } else {
                calls.option(made, SocketOptions.IPPROTO_IP, SocketOptions.IP_RECVORIGDSTADDR, 1);
            }
            calls.bind(made, loopback.getAddress(), loopback.getPort());
            return made;
        } catch (IOException e) {
            engine.calls().close(made);
            throw e;
        }
    }

    private void receiveLater() {
        if (fd != CLOSED) {
            try {
                engine.waiting().add(fd, strays);
            } catch (IOException e) {
                LOG.warn("datagrams to Services cannot be received: {}", e.getMessage());
            }
        }
    }

    private void receive() {
        int count = batch.receive(fd, 0, AT_ONCE);
        try {
            for (int place = 0; place < count; place++) {
                if (batch.meantFor(place, meant)) {
                    Destination destination = services.find(meant);
                    if (destination != null) {
                        pass(place, services.listener(destination, datagrams));
                    }
                }
            }
        } finally {
            batch.reset(0, Math.max(count, 0));
        }
    }

    private void pass(int place, NativeDatagramListener listener) {
        NativeFlowEngine to = (NativeFlowEngine) datagrams.engine(listener.destination().port().name().service());
        FlowKey client = new FlowKey();
        client.client(batch.senderHigh(place), batch.senderLow(place), batch.senderPort(place));
        int scope = batch.senderScope(place);
        byte[] datagram = batch.copy(place);
        if (underWay.incrementAndGet() > MOST_UNDER_WAY) {
            underWay.decrementAndGet();
            return;
        }
        to.eventLoop.execute(() -> {
            underWay.decrementAndGet();
            try {
                listener.openHere();
                to.passCopy(listener, client, scope, datagram);
            } catch (IOException e) {
                services.failed(listener);
                notOpened.warn("datagrams to " + IpAddresses.format(listener.address().getAddress(),
                        listener.address().getPort()) + " of " + listener.subject() + " are dropped: "
                        + e.getMessage(), datagrams.now());
            } catch (RuntimeException | Error e) {
                to.fault(listener.subject(), e);
            }
        });
    }

    /** Receives no more, and closes this process's socket. */
    @Override
    public CompletionStage<Void> stop() {
        CompletableFuture<Void> done = new CompletableFuture<>();
        engine.eventLoop.execute(() -> {
            close();
            done.complete(null);
        });
        return done;
    }

    private void close() {
        if (fd != CLOSED) {
            try {
                engine.waiting().remove(fd, strays);
            } catch (IOException e) {
                LOG.debug("{} was not waited for: {}", loopback, e.getMessage());
            }
            engine.calls().close(fd);
            fd = CLOSED;
        }
    }

    /** The open socket, to be given to another process. */
    @Override
    public OptionalInt descriptor() {
        return fd == CLOSED ? OptionalInt.empty() : OptionalInt.of(fd);
    }
}
