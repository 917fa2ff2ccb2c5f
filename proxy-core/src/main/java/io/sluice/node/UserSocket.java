package io.sluice.node;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Unix socket in the {@link SocketFolder} of this user that admits only this process's own user and root, by the file's
 * permissions and by the user that the kernel reports for the peer (SO_PEERCRED, unix(7)).
 */
public final class UserSocket implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(UserSocket.class);

    private final Path path;
    private final SocketFile file;
    private final Channel server;

    private UserSocket(Path path, SocketFile file, Channel server) {
        this.path = path;
        this.file = file;
        this.server = server;
    }

    /** Sets up a connection; on its event loop. */
    @FunctionalInterface
    public interface Session {

        /**
         * Called once for each connection.
         *
         * @param peer the user that has connected: root, or this process's own
         */
        void begin(EpollDomainSocketChannel channel, int peer);
    }

    /**
     * Opens one.
     *
     * @param prefix      of the names of such sockets
     * @param loops       that run epoll
     * @param environment of this process
     * @throws IOException if it cannot be opened; the message is for the user
     */
    public static UserSocket open(String prefix, IoEventLoopGroup loops, Map<String, String> environment,
            Session session) throws IOException {
        int uid = SocketFile.uid();
        Path path = SocketFolder.open(uid, environment).freePath(prefix);
        Channel server = new ServerBootstrap().group(loops).channel(EpollServerDomainSocketChannel.class)
                .childHandler(new ChannelInitializer<EpollDomainSocketChannel>() {
                    @Override
                    protected void initChannel(EpollDomainSocketChannel channel) throws IOException {
                        int peer = channel.peerCredentials().uid();
                        if (peer == uid || peer == 0) {
                            session.begin(channel, peer);
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
        return new UserSocket(path, SocketFile.of(path), server);
    }

    /** The path of the socket. */
    public Path path() {
        return path;
    }

    /** Removes the socket; connections go on. */
    @Override
    public void close() {
        file.remove();
        server.close().awaitUninterruptibly();
    }
}
