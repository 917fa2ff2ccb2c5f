package io.sluice.netns;

import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.unix.DomainSocketReadMode;
import io.sluice.node.UserSocket;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** The Unix socket to which the agents of network namespaces connect, of this user and of root alone. */
public final class NamespaceSocketServer implements AutoCloseable {

    private static final String PREFIX = "guests-";

    private final UserSocket socket;

    private NamespaceSocketServer(UserSocket socket) {
        this.socket = socket;
    }

    /**
     * Opens a socket in the folder of this user.
     *
     * @param loops       that run epoll
     * @param environment of this process
     * @throws IOException if it cannot be opened; the message is for the user
     */
    public static NamespaceSocketServer open(NamespaceSessions sessions, IoEventLoopGroup loops,
            Map<String, String> environment) throws IOException {
        return new NamespaceSocketServer(UserSocket.open(PREFIX, loops, environment, (channel, peer) -> {
            channel.config().setReadMode(DomainSocketReadMode.FILE_DESCRIPTORS);
            channel.pipeline().addLast(new NamespaceSession(sessions, channel));
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
}
