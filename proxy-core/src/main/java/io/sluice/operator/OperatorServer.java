package io.sluice.operator;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.LineBasedFrameDecoder;
import io.netty.handler.codec.TooLongFrameException;
import io.sluice.node.UserSocket;
import io.sluice.reconcile.OrderException;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Unix socket at which operators give orders: one line of JSON, one line in answer, and the connection ends. It admits only
 * this process's own user and root ({@link UserSocket}); there is no way to it from a network or a browser. A few peers at a
 * time, each for some seconds.
 */
public final class OperatorServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(OperatorServer.class);
    private static final String PREFIX = "operator-";
    /** The most connections at once. */
    private static final int PEERS = 16;
    /** From connect to the end. */
    private static final int SECONDS = 30;
    private static final int LONGEST_NAME = 64;

    private final UserSocket socket;

    private OperatorServer(UserSocket socket) {
        this.socket = socket;
    }

    /**
     * Opens a socket in the folder of this user.
     *
     * @param loops       that run epoll
     * @param environment of this process
     * @throws IOException if it cannot be opened; the message is for the user
     */
    public static OperatorServer open(Operator operator, IoEventLoopGroup loops, Map<String, String> environment)
            throws IOException {
        AtomicInteger peers = new AtomicInteger();
        return new OperatorServer(UserSocket.open(PREFIX, loops, environment, (channel, peer) -> {
            channel.closeFuture().addListener(closed -> peers.decrementAndGet());
            if (peers.incrementAndGet() > PEERS) {
                channel.close();
            } else {
                channel.eventLoop().schedule(() -> channel.close(), SECONDS, TimeUnit.SECONDS);
                channel.pipeline().addLast(new LineBasedFrameDecoder(OperatorCommand.LONGEST, true, true),
                        new Session(operator, name(peer)));
            }
        }));
    }

    /** The path of the socket. */
    public Path path() {
        return socket.path();
    }

    @Override
    public void close() {
        socket.close();
    }

    /** This user's name, or root's. */
    private static String name(int uid) {
        return uid == 0 ? "root" : System.getProperty("user.name", "uid " + uid);
    }

    /** One connection. Lives on its event loop. */
    private static final class Session extends SimpleChannelInboundHandler<ByteBuf> {

        private final Operator operator;
        private final String user;
        private boolean asked;

        Session(Operator operator, String user) {
            this.operator = operator;
            this.user = user;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, ByteBuf line) {
            if (asked) {
                return;
            }
            asked = true;
            byte[] bytes = ByteBufUtil.getBytes(line);
            try {
                operator.carryOut(OperatorCommand.read(bytes), by(bytes)).whenComplete((answer, failure) -> answer(
                        context, failure == null ? answer : Map.of("error", reason(failure))));
            } catch (IllegalArgumentException e) {
                answer(context, Map.of("error", String.valueOf(e.getMessage())));
            }
        }

        /** Root and this user are believed in whose name they act, as with sudo. */
        private String by(byte[] line) {
            String whose = Printable.cut(
                    PrintableJson.mapper().readTree(line).path("for").asString("").replaceAll("[^\\w.@-]", ""),
                    LONGEST_NAME);
            return whose.isEmpty() || whose.equals(user) ? user : whose + " as " + user;
        }

        private static String reason(Throwable failure) {
            Throwable cause = failure instanceof CompletionException && failure.getCause() != null
                    ? failure.getCause()
                    : failure;
            if (!(cause instanceof OrderException)) {
                LOG.error("an order was not carried out", cause);
            }
            return cause instanceof OrderException ? String.valueOf(cause.getMessage())
                    : "a fault in the proxy; its log says more, please report it";
        }

        private static void answer(ChannelHandlerContext context, Map<String, Object> answer) {
            byte[] line = PrintableJson.mapper().writeValueAsBytes(answer);
            context.writeAndFlush(Unpooled.wrappedBuffer(line, new byte[] {'\n'}))
                    .addListener(ChannelFutureListener.CLOSE);
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            if (cause instanceof TooLongFrameException) {
                answer(context, Map.of("error", "the order is longer than " + OperatorCommand.LONGEST + " bytes"));
            } else {
                LOG.debug("an operator's connection: {}", cause.getMessage());
                context.close();
            }
        }
    }
}
