package io.sluice.node;

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
 * The folder of this user for the Unix sockets of its daemons, which have names with the ID of their process: {@code sluice}
 * below XDG_RUNTIME_DIR, for root {@code /run/sluice}, else {@code sluice-UID} below the folder for temporary files. Any
 * thread.
 */
public final class SocketFolder {

    private static final Logger LOG = LoggerFactory.getLogger(SocketFolder.class);
    private static final String SUFFIX = ".sock";
    /** A socket file younger than this counts as in use: its process may not listen yet. */
    private static final Duration NEW = Duration.ofSeconds(10);
    private static final AtomicInteger SOCKETS = new AtomicInteger();

    private final Path folder;

    private SocketFolder(Path folder) {
        this.folder = folder;
    }

    /**
     * The folder, made if it is not there.
     *
     * @param uid         this process's user
     * @param environment of this process
     * @throws IOException if it cannot be had, or is not this user's alone; the message is for the user
     */
    public static SocketFolder open(int uid, Map<String, String> environment) throws IOException {
        Path folder = path(uid, environment);
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
        return new SocketFolder(folder);
    }

    /**
     * A path for a socket at which nothing is; sockets of the same kind that dead processes have left are removed.
     *
     * @param prefix of the names of such sockets
     * @throws IOException if the path would be too long; the message is for the user
     */
    public Path freePath(String prefix) throws IOException {
        removeAbandoned(prefix);
        while (true) {
            Path path = folder
                    .resolve(prefix + ProcessHandle.current().pid() + "-" + SOCKETS.incrementAndGet() + SUFFIX);
            SocketFile.requireRoom(path);
            if (Files.notExists(path, LinkOption.NOFOLLOW_LINKS)) {
                return path;
            }
        }
    }

    /** XDG_RUNTIME_DIR may be another user's: sudo can leave it as it was. */
    static Path path(int uid, Map<String, String> environment) {
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
    private void removeAbandoned(String prefix) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, prefix + "*" + SUFFIX)) {
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
}
