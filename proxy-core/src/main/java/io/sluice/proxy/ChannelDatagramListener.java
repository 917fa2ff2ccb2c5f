package io.sluice.proxy;

import io.netty.channel.Channel;
import io.netty.channel.ChannelException;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DatagramPacket;
import io.netty.util.ReferenceCountUtil;
import io.sluice.datagram.FlowEnd;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.util.OptionalInt;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A listener over a Netty channel. */
final class ChannelDatagramListener extends DatagramListener {

    private static final Logger LOG = LoggerFactory.getLogger(ChannelDatagramListener.class);

    private final ChannelFlowEngine engine;
    private volatile @Nullable Channel channel;
    /** It receives no more. */
    private boolean ended;
    /** The flows for which the socket is kept after that. */
    private int waiting;

    ChannelDatagramListener(Datagrams datagrams, Destination destination, ChannelFlowEngine engine) {
        super(datagrams, destination);
        this.engine = engine;
    }

    @Override
    CompletionStage<DatagramListener> open() {
        CompletableFuture<DatagramListener> opened = new CompletableFuture<>();
        Channel made;
        try {
            made = ChannelFlowEngine.channel(IpFamily.of(address.getAddress()));
        } catch (ChannelException e) {
            opened.completeExceptionally(e.getCause() == null ? e : e.getCause());
            return opened;
        }
        made.pipeline().addLast(new Clients());
        engine.eventLoop.register(made).addListener((ChannelFuture registered) -> {
            if (!registered.isSuccess()) {
                opened.completeExceptionally(registered.cause());
                return;
            }
            made.bind(address).addListener((ChannelFuture bound) -> {
                if (bound.isSuccess()) {
                    channel = made;
                    opened.complete(this);
                } else {
                    made.close();
                    opened.completeExceptionally(bound.cause());
                }
            });
        });
        return opened;
    }

    /** Sends a reply to a client; one that the kernel does not take is lost, as it may be anywhere on its way. */
    void send(DatagramPacket reply) {
        Channel open = channel;
        if (open == null) {
            reply.release();
        } else {
            open.writeAndFlush(reply);
        }
    }

    private final class Clients extends ChannelInboundHandlerAdapter {

        @Override
        public void channelRead(ChannelHandlerContext ctx, Object message) {
            try {
                if (!ended && message instanceof DatagramPacket packet) {
                    engine.fromClient(ChannelDatagramListener.this, packet);
                }
            } finally {
                ReferenceCountUtil.release(message);
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
            if (cause instanceof IOException) {
                LOG.debug("{}: {}", subject(), cause.getMessage());
            } else {
                datagrams.fault("datagrams of " + subject(), cause);
            }
        }
    }

    @Override
    public CompletionStage<Void> retarget(ServicePortTargets port, AddressKind kind) {
        return onEventLoop(() -> {
            if (destination().port() != port) {
                engine.endFlows(this, false, FlowEnd.CLOSED);
            }
            destination(new Destination(address, port, kind));
        });
    }

    @Override
    public CompletionStage<Void> stop() {
        return onEventLoop(() -> {
            engine.endFlows(this, false, FlowEnd.CLOSED);
            close();
        });
    }

    @Override
    public CompletionStage<Void> finish() {
        return onEventLoop(() -> {
            ended = true;
            waiting = engine.endFlows(this, true, FlowEnd.KILLED);
            if (waiting == 0) {
                close();
            }
        });
    }

    @Override
    public CompletionStage<Void> release() {
        return finish();
    }

    @Override
    void finished() {
        if (waiting > 0 && --waiting == 0) {
            engine.eventLoop.execute(this::close);
        }
    }

    private void close() {
        Channel open = channel;
        channel = null;
        if (open != null) {
            open.close();
        }
    }

    private CompletionStage<Void> onEventLoop(Runnable action) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        engine.eventLoop.execute(() -> {
            try {
                action.run();
                done.complete(null);
            } catch (RuntimeException | Error e) {
                done.completeExceptionally(e);
            }
        });
        return done;
    }

    @Override
    public OptionalInt descriptor() {
        return OptionalInt.empty();
    }
}
