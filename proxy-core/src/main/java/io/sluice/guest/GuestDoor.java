package io.sluice.guest;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.DomainSocketReadMode;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.Objects;
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
    private static final AtomicInteger DOORS = new AtomicInteger();

    private final Path path;
    private final Channel server;

    private GuestDoor(Path path, Channel server) {
        this.path = path;
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
        int uid = uid();
        Path folder = folder(uid, environment);
        try {
            Files.createDirectories(folder.toAbsolutePath().getParent());
            Files.createDirectory(folder,
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        } catch (FileAlreadyExistsException e) {
            LOG.debug("{} is there already", folder);
        }
        if (!Integer.valueOf(uid).equals(Files.getAttribute(folder, "unix:uid", LinkOption.NOFOLLOW_LINKS))
                || !Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
                || !PosixFilePermissions.toString(Files.getPosixFilePermissions(folder)).endsWith("------")) {
            throw new IOException(folder + " is not a folder of this user alone (chmod 700)");
        }
        removeStale(folder);
        Path path = folder.resolve(PREFIX + ProcessHandle.current().pid() + "-" + DOORS.incrementAndGet() + SUFFIX);
        Files.deleteIfExists(path);
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
            throw new IOException(path + " cannot be listened at");
        }
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
        return new GuestDoor(path, server);
    }

    /** Where it is. */
    public Path path() {
        return path;
    }

    @Override
    public void close() {
        server.close().awaitUninterruptibly();
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            LOG.debug("{} stays: {}", path, e.getMessage());
        }
    }

    private static Path folder(int uid, Map<String, String> environment) {
        String runtime = environment.getOrDefault("XDG_RUNTIME_DIR", "");
        if (!runtime.isEmpty() && Files.isWritable(Path.of(runtime))) {
            return Path.of(runtime, "sluice");
        }
        if (uid == 0 && Files.isWritable(Path.of("/run"))) {
            return Path.of("/run/sluice");
        }
        return Path.of(System.getProperty("java.io.tmpdir"), "sluice-" + uid);
    }

    /** Sockets of processes that are gone without taking them away. */
    private static void removeStale(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PREFIX + "*" + SUFFIX)) {
            for (Path file : files) {
                String pid = file.getFileName().toString().substring(PREFIX.length()).replaceFirst("-.*", "");
                if (pid.matches("\\d{1,10}") && ProcessHandle.of(Long.parseLong(pid)).isEmpty()) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    /** This process's user: who owns its folder in /proc. */
    static int uid() throws IOException {
        try {
            return Objects.requireNonNull((Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (NoSuchFileException e) {
            throw new IOException("/proc is not there, so it cannot be known who this is", e);
        }
    }
}
