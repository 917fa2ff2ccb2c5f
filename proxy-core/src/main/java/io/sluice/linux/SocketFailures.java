package io.sluice.linux;

import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.unix.Errors.NativeIoException;
import java.io.IOException;
import java.io.InputStream;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Which error an exception of a socket stands for: the one place that knows it for our own system calls, Netty's and the
 * JDK's. Any thread; nothing waits.
 *
 * <p>An exception's text is never looked at, because it is in the language of whoever has started the process. Ours have
 * the number ({@link SystemError}), Netty's native transports too ({@link NativeIoException}); but Netty's connect has not,
 * which therefore is used on NIO alone. The JDK tells the reasons that matter by class, and where one class stands for
 * several, the kernel is asked something that tells them apart.
 */
public final class SocketFailures {

    private static final Path UNPRIVILEGED = Path.of("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    /** Where that file is not: ip(7). */
    private static final int UNPRIVILEGED_DEFAULT = 1024;
    /** So many other privileged ports are tried. */
    private static final int TRIALS = 3;

    /** An error, and which exception of the chain of causes has told it. */
    private record Found(Errno errno, Throwable by) {}

    private SocketFailures() {}

    /**
     * Why a socket could not be connected; null if that cannot be known.
     *
     * <p>The JDK has one class for a refusal and for an end of the kernel's own patience, which is two minutes and more
     * (tcp_syn_retries, tcp(7)). Whoever connects waits less than that, so it is a refusal here. A reset in the moment of
     * connecting has no class of its own there.
     */
    public static @Nullable Errno ofConnect(Throwable cause) {
        Found found = findConnect(cause);
        return found == null ? null : found.errno;
    }

    /**
     * Why a socket could not be bound to {@code address}, or not be made; null if that cannot be known.
     *
     * <p>The JDK has one class for three reasons. The first two are tried out with sockets that are closed at once: at an
     * address that is not this machine's no port can be bound, and who lacks the right to a privileged port lacks it for
     * all of them. What remains is a port that is in use.
     */
    public static @Nullable Errno ofBind(Throwable cause, InetSocketAddress address) {
        Found found = findBind(cause, address);
        return found == null ? null : found.errno;
    }

    /** The message of {@code cause}, as {@link #ofConnect} knows it: the system's part is in English. */
    public static String connectReason(Throwable cause) {
        return inEnglish(cause, findConnect(cause));
    }

    /** The message of {@code cause}, as {@link #ofBind} knows it: the system's part is in English. */
    public static String bindReason(Throwable cause, InetSocketAddress address) {
        return inEnglish(cause, findBind(cause, address));
    }

    /** The message of {@code cause}, for which a connection could not be accepted: the system's part is in English. */
    public static String acceptReason(Throwable cause) {
        return inEnglish(cause, find(cause));
    }

    private static @Nullable Found findConnect(Throwable cause) {
        Found found = find(cause);
        if (found != null) {
            return found;
        }
        BindException noPort = first(cause, BindException.class);
        return noPort == null ? usedUp(cause) : new Found(Errno.EADDRNOTAVAIL, noPort);
    }

    private static @Nullable Found findBind(Throwable cause, InetSocketAddress address) {
        Found found = find(cause);
        if (found != null) {
            return found;
        }
        BindException refused = first(cause, BindException.class);
        if (refused == null) {
            return usedUp(cause);
        }
        Errno errno = whyNotBound(address);
        return errno == null ? null : new Found(errno, refused);
    }

    /** By its number, else by its class. */
    private static @Nullable Found find(Throwable cause) {
        for (Throwable t = cause; t != null; t = t.getCause()) {
            Errno errno = switch (t) {
                case SystemError ours -> ours.errno();
                case NativeIoException netty -> Errno.of(-netty.expectedErr());
                default -> null;
            };
            if (errno != null) {
                return new Found(errno, t);
            }
        }
        for (Throwable t = cause; t != null; t = t.getCause()) {
            Errno errno = switch (t) {
                case ConnectTimeoutException _,SocketTimeoutException _ -> Errno.ETIMEDOUT;
                case NoRouteToHostException _ -> Errno.EHOSTUNREACH;
                case PortUnreachableException _,ConnectException _ -> Errno.ECONNREFUSED;
                default -> null;
            };
            if (errno != null) {
                return new Found(errno, innermost(t));
            }
        }
        return null;
    }

    private static @Nullable Found usedUp(Throwable cause) {
        IOException failure = first(cause, IOException.class);
        return failure != null && OpenFiles.areUsedUp() ? new Found(Errno.EMFILE, innermost(failure)) : null;
    }

    private static <T extends Throwable> @Nullable T first(Throwable cause, Class<T> type) {
        for (Throwable t = cause; t != null; t = t.getCause()) {
            if (type.isInstance(t)) {
                return type.cast(innermost(t));
            }
        }
        return null;
    }

    /** Netty puts the address behind the text of the JDK in an exception of the same class. */
    private static Throwable innermost(Throwable t) {
        Throwable inner = t;
        while (inner.getCause() != null && inner.getCause().getClass().isInstance(t)) {
            inner = inner.getCause();
        }
        return inner;
    }

    private static @Nullable Errno whyNotBound(InetSocketAddress address) {
        if (address.isUnresolved()) {
            return null;
        }
        try {
            if (!canBind(address, 0)) {
                return Errno.EADDRNOTAVAIL;
            }
            int unprivileged = firstUnprivilegedPort();
            return address.getPort() < unprivileged && !mayBindPrivileged(address, unprivileged)
                    ? Errno.EACCES
                    : Errno.EADDRINUSE;
        } catch (IOException e) {
            return null; // not even a socket is to be had
        }
    }

    /** Another port of these may be free, one after the other from the last: they are seldom in use. */
    private static boolean mayBindPrivileged(InetSocketAddress address, int unprivileged) throws IOException {
        for (int port = unprivileged - 1; port > 0 && port >= unprivileged - TRIALS; port--) {
            if (canBind(address, port)) {
                return true;
            }
        }
        return canBind(address, address.getPort());
    }

    private static boolean canBind(InetSocketAddress address, int port) throws IOException {
        try (ServerSocket trial = new ServerSocket()) {
            trial.bind(new InetSocketAddress(address.getAddress(), port));
            return true;
        } catch (BindException e) {
            return false;
        }
    }

    /** The number is given to the first read alone, as much of it as that asks for: one of all bytes begins with a single. */
    private static int firstUnprivilegedPort() {
        try (InputStream in = Files.newInputStream(UNPRIVILEGED)) {
            byte[] number = new byte[16];
            return Integer
                    .parseInt(new String(number, 0, Math.max(0, in.read(number)), StandardCharsets.US_ASCII).strip());
        } catch (IOException | NumberFormatException e) {
            return UNPRIVILEGED_DEFAULT;
        }
    }

    private static String inEnglish(Throwable cause, @Nullable Found found) {
        String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        if (found == null) {
            return message;
        }
        String foreign = systemText(found.by);
        return foreign.isEmpty() ? message : message.replace(foreign, found.errno.meaning());
    }

    /** What the C library has said in the message of {@code told}. */
    private static String systemText(Throwable told) {
        String message = String.valueOf(told.getMessage());
        return switch (told) {
            case SystemError _ -> "";
            case NativeIoException netty -> message.substring(message.indexOf(netty.expectedErr() + "): ")
                    + (netty.expectedErr() + "): ").length());
            default -> message;
        };
    }
}
