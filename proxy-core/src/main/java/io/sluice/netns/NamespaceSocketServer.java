package io.sluice.netns;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.DomainSocketReadMode;
import io.sluice.node.SocketFile;
import io.sluice.node.SocketFolder;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Unix socket to which the agents of network namespaces connect. It admits only this process's own user and root, by
 * the file's permissions and by the user that the kernel reports for the peer (SO_PEERCRED, unix(7)).
 */
public final class NamespaceSocketServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(NamespaceSocketServer.class);
    private static final String PREFIX = "guests-";

    private final Path path;
    private final SocketFile file;
    private final Channel server;

    private NamespaceSocketServer(Path path, SocketFile file, Channel server) {
        this.path = path;
        this.file = file;
        this.server = server;
    }

    /**
     * Opens a socket in the {@link SocketFolder} of this user.
     *
     * @param loops       that run epoll
     * @param environment of this process
     * @throws IOException if it cannot be opened; the message is for the user
     */
    public static NamespaceSocketServer open(NamespaceSessions sessions, IoEventLoopGroup loops,
            Map<String, String> environment)
            throws IOException {
        int uid = SocketFile.uid();
        Path path = SocketFolder.open(uid, environment).freePath(PREFIX);
        Channel server = new ServerBootstrap().group(loops).channel(EpollServerDomainSocketChannel.class)
                .childHandler(new ChannelInitializer<EpollDomainSocketChannel>() {
                    @Override
                    protected void initChannel(EpollDomainSocketChannel channel) throws IOException {
                        int peer = channel.peerCredentials().uid();
                        if (peer == uid || peer == 0) {
                            channel.config().setReadMode(DomainSocketReadMode.FILE_DESCRIPTORS);
                            channel.pipeline().addLast(new NamespaceSession(sessions, channel));
                        } else {
                            LOG.warn("user {} came to {} and was sent away", peer, path);
                            channel.close();
                        }
                    }
                }).bind(new DomainSocketAddress(path.toFile())).awaitUninterruptibly().channel();
        if (!server.isActive()) {
            throw new IOException(path + ": a socket cannot be made there");
        }
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        return new NamespaceSocketServer(path, SocketFile.of(path), server);
    }

    /** The path of the socket. */
    public Path path() {
        return path;
    }

    @Override
    public void close() {
        file.remove();
        server.close().awaitUninterruptibly();
    }
}
