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
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The Unix socket to which the agents of network namespaces connect. It admits only this process's own user and root, by
 * the file's permissions and by the user that the kernel reports for the peer (SO_PEERCRED, unix(7)).
 */
public final class NamespaceSocketServer implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(NamespaceSocketServer.class);
    private static final String PREFIX = "guests-";
    private static final String SUFFIX = ".sock";
    /** A socket file younger than this counts as in use: its process may not listen yet. */
    private static final Duration NEW = Duration.ofSeconds(10);
    private static final AtomicInteger SERVERS = new AtomicInteger();

    private final Path path;
    private final SocketFile file;
    private final Channel server;

    private NamespaceSocketServer(Path path, SocketFile file, Channel server) {
        this.path = path;
        this.file = file;
        this.server = server;
    }

    /**
     * Opens a socket in a folder of this user: {@code sluice} below XDG_RUNTIME_DIR, for root {@code /run/sluice}, else
     * {@code sluice-UID} below the folder for temporary files.
     *
     * @param loops       that run epoll
     * @param environment of this process
     * @throws IOException if it cannot be opened; the message is for the user
     */
    public static NamespaceSocketServer open(NamespaceSessions sessions, IoEventLoopGroup loops,
            Map<String, String> environment)
            throws IOException {
        int uid = SocketFile.uid();
        Path folder = folder(uid, environment);
        Files.createDirectories(SocketFile.directory(folder));
        SocketFile.requireSafe(SocketFile.directory(folder));
        try {
            Files.createDirectory(folder,
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
            LOG.debug("{} is there already", folder);
        }
        if (!Integer.valueOf(uid).equals(Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS))
                || !Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                || !PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)).endsWith("------")) {
            throw new IOException(folder + ": not a directory of this user alone (chmod 700)");
        }
        removeAbandoned(folder);
        Path path = freePath(folder);
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

    /** XDG_RUNTIME_DIR may be another user's: sudo can leave it as it was. */
    static Path folder(int uid, Map<String, String> environment) {
        String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
        if (!runtime.isEmpty() && Files.isWritable(Path.of(runtime)) && isSafe(Path.of(runtime))) {
            return Path.of(runtime, "sluice");
        }
        if (uid == 0 && Files.isWritable(Path.of("/run"))) {
            return Path.of("/run/sluice");
        }
        return Path.of(System.getProperty("java.io.tmpdir"), "sluice-" + uid);
    }

    private static boolean isSafe(Path directory) {
        try {
            SocketFile.requireSafe(directory);
            return true;
        } catch (IOException e) {
            LOG.debug("not used: {}", e.getMessage());
            return false;
        }
    }

    /**
     * Removes sockets of dead processes. It tests the socket itself and not the process ID in its name: where containers
     * share the folder, that ID may be another process's here, or none's.
     */
    private static void removeAbandoned(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PREFIX + "*" + SUFFIX)) {
            for (Path file : files) {
                try {
                    if (Files.getLastModifiedTime(file).toInstant().isBefore(Instant.now().minus(NEW))) {
                        SocketFile.removeAbandoned(file);
                    }
                } catch (IOException e) {
                    LOG.debug("it stays: {}", e.getMessage());
                }
            }
        }
    }

    private static Path freePath(Path folder) throws IOException {
        while (true) {
            Path path = folder
                    .resolve(PREFIX + ProcessHandle.current().pid() + "-" + SERVERS.incrementAndGet() + SUFFIX);
            SocketFile.requireRoom(path);
            if (Files.notExists(path, LinkOption.NOFOLLOW_LINKS)) {
                return path;
            }
        }
    }
}
