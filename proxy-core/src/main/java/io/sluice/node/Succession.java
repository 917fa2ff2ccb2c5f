package io.sluice.node;

import io.sluice.liveness.FatalErrors;
import io.sluice.liveness.Faults;
import io.sluice.node.HandoverConnection.Message;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for a daemon that wants to take over the listening sockets of this one. Lives on a thread of its own, which ends
 * within a second of {@link #close}.
 */
public final class Succession implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Succession.class);
    private static final int LOOK_UP_MILLIS = 1_000;

    /** The daemon that may be succeeded; called on the succession's thread. */
    public interface Incumbent {

        /** Descriptors of all listening sockets; none is opened or closed until one of the others is called. */
        List<Integer> offer();

        /** Somebody else accepts now: stops to, and leaves every other address that the successor will want. */
        void release();

        /** The successor did not make it: everything goes on. */
        void resume();

        /** The end, after {@link #release} and after the successor knows of it. */
        void succeeded();
    }

    private final int socket;
    private final Path path;
    private final Incumbent incumbent;
    private volatile boolean closed;
    private volatile boolean released;

    private Succession(int socket, Path path, Incumbent incumbent) {
        this.socket = socket;
        this.path = path;
        this.incumbent = incumbent;
    }

    /**
     * Begins to wait at {@code path}, in the place of whatever was left there.
     *
     * @throws IOException if that is not possible; the message says what and where
     */
    public static Succession open(Path path, Incumbent incumbent) throws IOException {
        int socket = HandoverConnection.socket();
        try (Arena arena = Arena.ofConfined()) {
            Files.deleteIfExists(path);
            SystemCalls.bind(socket, HandoverConnection.address(arena, path));
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
            HandoverConnection.timeout(socket, LOOK_UP_MILLIS);
            SystemCalls.listen(socket, 1);
        } catch (IOException e) {
            SystemCalls.close(socket);
            throw new IOException("--handover-socket " + path + " cannot be made: " + e.getMessage(), e);
        }
        Succession succession = new Succession(socket, path, incumbent);
        Thread.ofPlatform().name("sluice-succession").daemon().start(FatalErrors.vital(succession::run));
        return succession;
    }

    private void run() {
        try {
            while (!closed && !released) {
                try {
                    converse(SystemCalls.accept(socket));
                } catch (ErrnoException e) {
                    if (e.errno() != ErrnoException.EAGAIN) {
                        LOG.warn("a handover failed: {}", e.getMessage());
                    }
                } catch (IOException e) {
                    LOG.warn("a handover failed: {}", e.getMessage());
                } catch (RuntimeException e) {
                    Faults.report("a handover", e);
                }
            }
            SystemCalls.close(socket);
        } catch (IOException e) {
            LOG.debug("closing the handover socket: {}", e.getMessage());
        }
    }

    private void converse(int fd) throws IOException {
        try (HandoverConnection connection = new HandoverConnection(fd, LOOK_UP_MILLIS)) {
            if (!next(connection).word().equals(HandoverConnection.HELLO)) {
                throw new IOException("somebody at " + path + " is no successor");
            }
            try {
                List<Integer> listeners = incumbent.offer();
                LOG.info("a new process takes over: {} listening sockets are handed to it", listeners.size());
                for (int i = 0; i < listeners.size(); i += HandoverConnection.DESCRIPTORS) {
                    connection.send(HandoverConnection.LISTENERS,
                            listeners.subList(i, Math.min(listeners.size(), i + HandoverConnection.DESCRIPTORS)));
                }
                connection.send(HandoverConnection.THAT_IS_ALL, List.of());
                if (next(connection).word().equals(HandoverConnection.READY)) {
                    Files.deleteIfExists(path);
                    released = true;
                    incumbent.release();
                    connection.send(HandoverConnection.RELEASED, List.of());
                } else {
                    LOG.warn("the new process is gone before it was ready; this one goes on");
                }
            } finally {
                if (released) {
                    incumbent.succeeded();
                } else {
                    incumbent.resume();
                }
            }
        }
    }

    /** A successor may take its time; that it is gone is seen at once. */
    private Message next(HandoverConnection connection) throws IOException {
        while (true) {
            try {
                return connection.receive();
            } catch (ErrnoException e) {
                if (e.errno() != ErrnoException.EAGAIN || closed) {
                    throw e;
                }
            }
        }
    }

    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        if (!released) {
            try {
                Files.deleteIfExists(path);
            } catch (IOException e) {
                LOG.debug("removing {}: {}", path, e.getMessage());
            }
        }
    }
}
