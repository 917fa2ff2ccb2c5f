package io.sluice.guest;

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
 * A Unix socket at which network namespaces come for Services. Only this process's own user and root are let in: the
 * file's permissions say so, and the kernel is asked who it is (SO_PEERCRED, unix(7)).
 */
public final class GuestDoor implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(GuestDoor.class);
    private static final String PREFIX = "guests-";
    private static final String SUFFIX = ".sock";
    /** A socket that is just being made is not listened at yet. */
    private static final Duration NEW = Duration.ofSeconds(10);
    private static final AtomicInteger DOORS = new AtomicInteger();

    private final Path path;
    private final SocketFile file;
    private final Channel server;

    private GuestDoor(Path path, SocketFile file, Channel server) {
        this.path = path;
        this.file = file;
        this.server = server;
    }

    /**
     * Opens one in a folder of this user: {@code sluice} below XDG_RUNTIME_DIR, for root {@code /run/sluice}, else
     * {@code sluice-UID} below the folder for temporary files.
     *
     * @param loops       that run epoll
     * @param environment of this process
     * @throws IOException if it cannot be had; the message is for the user
     */
    public static GuestDoor open(Guests guests, IoEventLoopGroup loops, Map<String, String> environment)
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
                            channel.pipeline().addLast(new Guest(guests, channel));
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
        return new GuestDoor(path, SocketFile.of(path), server);
    }

    /** Where it is. */
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
     * Sockets of processes that are gone without taking them away. Whether one is gone is told by its socket: its number may
     * be that of another process here, or of none, where containers have the folder in common.
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
                    .resolve(PREFIX + ProcessHandle.current().pid() + "-" + DOORS.incrementAndGet() + SUFFIX);
            SocketFile.requireRoom(path);
            if (Files.notExists(path, LinkOption.NOFOLLOW_LINKS)) {
                return path;
            }
        }
    }
}
