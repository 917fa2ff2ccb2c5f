package io.sluice.node;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file of a Unix socket of ours. At its path it removes only a socket on which no process listens and that belongs to
 * this user or root; and at the end only the one that it made. Any thread.
 */
public final class SocketFile {

    private static final Logger LOG = LoggerFactory.getLogger(SocketFile.class);

    /** sun_path of struct sockaddr_un (unix(7)), less the zero at its end. */
    private static final int PATH_BYTES = 107;
    private static final int NAME_BYTES = 24;
    private static final int NAME_ATTEMPTS = 100;

    private static final int KIND = 0xf000;
    private static final int SOCKET = 0xc000;
    private static final int SYMBOLIC_LINK = 0xa000;
    private static final int REGULAR = 0x8000;
    private static final int DIRECTORY = 0x4000;
    private static final int PIPE = 0x1000;
    private static final int STICKY = 0x200;
    private static final int GROUP_OR_OTHERS_WRITE = 0x12;

    /** The state of a path. */
    public enum Found {
        NOTHING,
        /** A socket of this user or root on which no process listens. */
        ABANDONED,
        /** A socket on which a process listens, or may listen. */
        IN_USE
    }

    /** The identity of the file, for as long as a process has it open. */
    private record Identity(long device, long inode) {}

    private final Path path;
    private final Identity identity;

    private SocketFile(Path path, Identity identity) {
        this.path = path;
        this.identity = identity;
    }

    /**
     * Checks a path, and changes nothing.
     *
     * @throws IOException if a socket of ours can never be there: something else is, the path is too long, or the
     *                     directory is not safe. The message begins with the path, and says why and what to do
     */
    public static Found look(Path path) throws IOException {
        if (!isSocket(path)) {
            return Found.NOTHING;
        }
        return isAnswered(path) ? Found.IN_USE : Found.ABANDONED;
    }

    /** Whether a socket of this user or root is there; false if no file is. Fails as {@link #look}. */
    public static boolean isSocket(Path path) throws IOException {
        requireRoom(path);
        requireSafe(directory(path));
        Map<String, Object> file;
        try {
            file = Files.readAttributes(path, "unix:mode,uid", LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException e) {
            return false;
        }
        int kind = number(file, "mode") & KIND;
        if (kind != SOCKET) {
            throw new IOException(path + ": " + name(kind)
                    + " is there, and no socket; it stays as it is. Choose another path, or move it away");
        }
        int owner = number(file, "uid");
        if (owner != 0 && owner != uid()) {
            throw new IOException(path + ": the socket of another user (uid " + owner
                    + ") is there; it stays as it is. Choose another path");
        }
        return true;
    }

    /**
     * Listens on a path, in the place of an abandoned socket. No process finds the socket there before it listens, and only
     * its owner may ever connect to it.
     *
     * @param socket  not bound yet
     * @param backlog of listen(2)
     * @throws FileAlreadyExistsException if a socket that is in use is there, or has just come
     * @throws IOException                as {@link #look}, and if the kernel refuses; then the path is unchanged
     */
    public static SocketFile listen(Path path, int socket, int backlog) throws IOException {
        Found found = look(path);
        if (found == Found.IN_USE) {
            throw new FileAlreadyExistsException(path.toString());
        }
        SystemCalls.mode(socket, 0600);
        Path made = bindAside(path, socket);
        try {
            SystemCalls.listen(socket, backlog);
            if (found == Found.ABANDONED) {
                removeAbandoned(path);
            }
            // Unlike rename(2), this replaces no file.
            Files.createLink(path, made);
        } finally {
            Files.delete(made);
        }
        return of(path);
    }

    /** The socket file that is at {@code path} now, which this process owns. */
    public static SocketFile of(Path path) throws IOException {
        return new SocketFile(path, identity(path));
    }

    /**
     * Removes a socket if no process listens on it. A file that came in its place meanwhile is put back.
     *
     * @throws IOException as {@link #look}
     */
    public static void removeAbandoned(Path path) throws IOException {
        if (look(path) == Found.ABANDONED) {
            removeIf(path, aside -> look(aside) == Found.ABANDONED);
        }
    }

    /** Whether this file is still the one at its path. */
    public boolean isThere() {
        try {
            return identity(path).equals(identity);
        } catch (IOException e) {
            return false;
        }
    }

    /** Removes the file, if it is still this one. Called while the socket is open, so that no other file has its inode. */
    public void remove() {
        try {
            if (isThere()) {
                removeIf(path, aside -> identity(aside).equals(identity));
            }
        } catch (IOException e) {
            LOG.debug("{} stays: {}", path, e.getMessage());
        }
    }

    private interface Condition {
        boolean holds(Path aside) throws IOException;
    }

    /** Moves the file aside, where no process can exchange it, checks it once more and removes it. */
    private static void removeIf(Path path, Condition condition) throws IOException {
        Path aside = freeName(path);
        Files.move(path, aside, StandardCopyOption.ATOMIC_MOVE);
        boolean goes = false;
        try {
            goes = condition.holds(aside);
        } finally {
            if (!goes && Files.notExists(path, LinkOption.NOFOLLOW_LINKS)) {
                Files.move(aside, path, StandardCopyOption.ATOMIC_MOVE);
            }
        }
        if (goes) {
            Files.delete(aside);
        } else if (Files.exists(aside, LinkOption.NOFOLLOW_LINKS)) {
            throw new IOException(path + ": a file that came there in the same moment is at " + aside + " now");
        }
    }

    /** {@code path} as a socket address; fails if it is too long. */
    public static MemorySegment address(Arena arena, Path path) throws IOException {
        requireRoom(path);
        byte[] bytes = bytes(path);
        MemorySegment address = arena.allocate(2 + PATH_BYTES + 1, 8);
        address.set(ValueLayout.JAVA_SHORT, 0, (short) SocketOptions.AF_UNIX);
        MemorySegment.copy(bytes, 0, address, ValueLayout.JAVA_BYTE, 2, bytes.length);
        return address;
    }

    /** Fails if this path is too long for a socket. */
    public static void requireRoom(Path path) throws IOException {
        int bytes = bytes(path).length;
        if (bytes > PATH_BYTES) {
            throw new IOException(path + ": the path is too long for a socket (" + bytes + " bytes, " + PATH_BYTES
                    + " are possible); choose a shorter one");
        }
    }

    /** Fails unless only this user, and root, can exchange files of other users in {@code directory}. */
    public static void requireSafe(Path directory) throws IOException {
        Map<String, Object> folder;
        try {
            folder = Files.readAttributes(directory, "unix:mode,uid");
        } catch (NoSuchFileException e) {
            throw new IOException(directory + ": there is no such directory; make it, with mode 700", e);
        }
        int mode = number(folder, "mode");
        int owner = number(folder, "uid");
        if ((mode & KIND) != DIRECTORY) {
            throw new IOException(directory + ": this is no directory; choose another path");
        }
        if (owner != 0 && owner != uid()) {
            throw new IOException(directory + ": the directory belongs to another user (uid " + owner
                    + "), who could exchange the socket; choose another, or make one with mode 700");
        }
        if ((mode & GROUP_OR_OTHERS_WRITE) != 0 && (mode & STICKY) == 0) {
            throw new IOException(directory + ": others may write to the directory, and could exchange the socket;"
                    + " take that from them (chmod go-w), or choose another");
        }
    }

    /** This process's user: the owner of its folder in /proc. */
    public static int uid() throws IOException {
        try {
            return Objects.requireNonNull((Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (NoSuchFileException e) {
            throw new IOException("/proc is not there, so it cannot be known who this is", e);
        }
    }

    /** Whether a process listens there; the kernel refuses on a dead socket before it compares the types of the sockets. */
    private static boolean isAnswered(Path path) throws IOException {
        int socket = SystemCalls.socket(SocketOptions.AF_UNIX,
                SocketOptions.SOCK_SEQPACKET | SocketOptions.SOCK_CLOEXEC | SocketOptions.SOCK_NONBLOCK, 0);
        try (Arena arena = Arena.ofConfined()) {
            SystemCalls.connect(socket, address(arena, path));
            return true;
        } catch (ErrnoException e) {
            return e.errno() != Errno.ECONNREFUSED;
        } finally {
            SystemCalls.close(socket);
        }
    }

    private static Path bindAside(Path path, int socket) throws IOException {
        for (int attempt = 1;; attempt++) {
            Path aside = freeName(path);
            try (Arena arena = Arena.ofConfined()) {
                SystemCalls.bind(socket, address(arena, aside));
                return aside;
            } catch (ErrnoException e) {
                if (e.errno() != Errno.EADDRINUSE || attempt == NAME_ATTEMPTS) {
                    throw new IOException(path + ": a socket cannot be made there: " + e.getMessage(), e);
                }
            }
        }
    }

    /** An unused name beside {@code path} and other than it, which is not too long where {@code path} is not. */
    private static Path freeName(Path path) throws IOException {
        Path directory = directory(path);
        int room = PATH_BYTES - bytes(directory).length - 1;
        for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
            String name = ".sluice-" + Long.toString(ThreadLocalRandom.current().nextLong(Long.MAX_VALUE), 36);
            Path free = directory.resolve(name.substring(Math.max(0, name.length() - Math.min(room, NAME_BYTES))));
            if (!free.equals(path.toAbsolutePath()) && Files.notExists(free, LinkOption.NOFOLLOW_LINKS)) {
                return free;
            }
        }
        throw new IOException(path + ": no free name was found beside it");
    }

    private static Identity identity(Path path) throws IOException {
        Map<String, Object> file = Files.readAttributes(path, "unix:dev,ino", LinkOption.NOFOLLOW_LINKS);
        return new Identity((long) Objects.requireNonNull(file.get("dev")),
                (long) Objects.requireNonNull(file.get("ino")));
    }

    private static int number(Map<String, Object> attributes, String name) {
        return (int) Objects.requireNonNull(attributes.get(name));
    }

    /** The directory of a file with this path. */
    public static Path directory(Path path) {
        return Objects.requireNonNullElse(path.toAbsolutePath().getParent(), path);
    }

    private static byte[] bytes(Path path) {
        return path.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8);
    }

    private static String name(int kind) {
        return switch (kind) {
            case REGULAR -> "a file";
            case DIRECTORY -> "a directory";
            case SYMBOLIC_LINK -> "a symbolic link";
            case PIPE -> "a pipe";
            default -> "a device";
        };
    }
}
