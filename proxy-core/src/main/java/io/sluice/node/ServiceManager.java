package io.sluice.node;

import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notifies the service manager that started this process: sd_notify(3), sd_watchdog_enabled(3). It never blocks: a message
 * for which the manager's socket has no room is not sent. Any thread.
 */
public final class ServiceManager {

    /** No service manager: sends nothing. */
    public static final ServiceManager NONE = new ServiceManager(null, null);

    private static final Logger LOG = LoggerFactory.getLogger(ServiceManager.class);
    /** struct sockaddr_un: a family and a path. */
    private static final int FAMILY_BYTES = 2;
    private static final int PATH_BYTES = 108;

    private final byte @Nullable [] path;
    private final @Nullable Duration watchdog;

    private ServiceManager(byte @Nullable [] path, @Nullable Duration watchdog) {
        this.path = path;
        this.watchdog = watchdog;
    }

    /**
     * The manager that {@code NOTIFY_SOCKET} names, a path or, after an {@code @}, an abstract name; with a watchdog if
     * {@code WATCHDOG_USEC} is set for the process {@code pid}.
     */
    public static ServiceManager of(Map<String, String> environment, long pid) {
        String socket = environment.getOrDefault("NOTIFY_SOCKET", "");
        if (socket.isEmpty()) {
            return NONE;
        }
        byte[] path = socket.getBytes(StandardCharsets.UTF_8);
        if (path[0] != '/' && path[0] != '@' || path.length < 2 || path.length >= PATH_BYTES) {
            LOG.warn("NOTIFY_SOCKET={} is not a Unix socket's path: the service manager learns nothing", socket);
            return NONE;
        }
        if (path[0] == '@') {
            path[0] = 0;
        }
        return new ServiceManager(path, watchdog(environment, pid).orElse(null));
    }

    private static Optional<Duration> watchdog(Map<String, String> environment, long pid) {
        String usec = environment.getOrDefault("WATCHDOG_USEC", "");
        String meant = environment.getOrDefault("WATCHDOG_PID", "");
        try {
            if (usec.isEmpty() || !meant.isEmpty() && Long.parseLong(meant) != pid) {
                return Optional.empty();
            }
            long micros = Long.parseLong(usec);
            return micros > 0 ? Optional.of(Duration.ofNanos(Math.multiplyExact(micros, 1000L))) : Optional.empty();
        } catch (ArithmeticException | NumberFormatException e) {
            LOG.warn("WATCHDOG_USEC={}, WATCHDOG_PID={}: not numbers; the service manager's watchdog learns nothing",
                    usec, meant);
            return Optional.empty();
        }
    }

    /** The longest time between two calls of {@link #alive}; empty if the service manager has no watchdog for us. */
    public Optional<Duration> aliveInterval() {
        return Optional.ofNullable(watchdog).map(all -> all.dividedBy(3));
    }

    /** Reports that the daemon has started. */
    public void ready() {
        tell("READY=1");
    }

    /** Reports that the daemon has begun to end. */
    public void stopping() {
        tell("STOPPING=1");
    }

    /**
     * Reports that all is well; the service manager ends a process that does not report this for too long. Logs nothing.
     */
    public void alive() {
        if (watchdog == null) {
            return;
        }
        try {
            send("WATCHDOG=1");
        } catch (IOException e) {
            // The caller must not wait for the log. The service manager misses the message, and logs that.
            return;
        }
    }

    private void tell(String state) {
        try {
            send(state);
        } catch (IOException e) {
            LOG.warn("the service manager cannot be told {}: {}", state, e.getMessage());
        }
    }

    private void send(String state) throws IOException {
        if (path == null) {
            return;
        }
        int socket = SystemCalls.socket(SocketOptions.AF_UNIX,
                SocketOptions.SOCK_DGRAM | SocketOptions.SOCK_CLOEXEC | SocketOptions.SOCK_NONBLOCK, 0);
        try (Arena arena = Arena.ofConfined()) {
            // The length of the address ends an abstract name.
            MemorySegment address = arena.allocate(FAMILY_BYTES + path.length, Long.BYTES);
            address.set(ValueLayout.JAVA_SHORT, 0, (short) SocketOptions.AF_UNIX);
            MemorySegment.copy(path, 0, address, ValueLayout.JAVA_BYTE, FAMILY_BYTES, path.length);
            SystemCalls.connect(socket, address);
            SystemCalls.send(socket,
                    arena.allocateFrom(ValueLayout.JAVA_BYTE, state.getBytes(StandardCharsets.US_ASCII)));
        } finally {
            SystemCalls.close(socket);
        }
    }
}
