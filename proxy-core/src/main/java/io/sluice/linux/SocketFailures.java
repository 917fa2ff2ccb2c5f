package io.sluice.linux;

import io.netty.channel.ConnectTimeoutException;
import io.netty.channel.unix.Errors.NativeIoException;
import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.NoRouteToHostException;
import java.net.PortUnreachableException;
import java.net.ServerSocket;
import java.net.SocketTimeoutException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Finds the error number of a socket's exception: the only place for our own system calls, Netty's and the JDK's. Any
 * thread; never waits.
 *
 * <p>It ignores an exception's text, because that is in the language of the user who has started the process. Ours have the
 * number ({@link SystemError}), those of Netty's native transports too ({@link NativeIoException}), but not those of
 * Netty's connect, which is therefore used on NIO alone. The JDK has a class for each reason that matters; where one class
 * stands for several reasons, a test with the kernel tells them apart.
 */
public final class SocketFailures {

    private static final Path UNPRIVILEGED = Path.of("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    /** The first unprivileged port where that file is missing: ip(7). */
    private static final int UNPRIVILEGED_DEFAULT = 1024;
    /** How many other privileged ports are tried. */
    private static final int TRIALS = 3;

    /** An error, and the exception in the chain of causes that has it. */
    private record Found(Errno errno, Throwable by) {}

    private SocketFailures() {}

    /**
     * Why a socket could not be connected; null if that cannot be known.
     *
     * <p>The JDK has one class for a refusal and for an end of the kernel's own patience, which is two minutes and more
     * (tcp_syn_retries, tcp(7)). All callers wait less than that, so it is a refusal here. A reset in the moment of
     * connecting has no class of its own there.
     */
    public static @Nullable Errno ofConnect(Throwable cause) {
        Found found = findConnect(cause);
        return found == null ? null : found.errno;
    }

    /**
     * Why a socket could not be bound to {@code address}, or not be made; null if that cannot be known.
     *
     * <p>The JDK has one class for three reasons. Sockets that are closed at once test for the first two: no port can be
     * bound on an address that is not this machine's, and a process that may not bind one privileged port may bind none of
     * them. The reason that remains is a port in use.
     */
    public static @Nullable Errno ofBind(Throwable cause, InetSocketAddress address) {
        Found found = findBind(cause, address);
        return found == null ? null : found.errno;
    }

    /** Why a connected socket could not be read or written; null if that cannot be known, as of the JDK's sockets. */
    public static @Nullable Errno ofConnection(Throwable cause) {
        Found found = find(cause);
        return found == null ? null : found.errno;
    }

    /**
     * Whether a connected socket has failed with this error because the kernel has given up its silent peer: by a time-out,
     * or with an error that routers or the neighbour table reported meanwhile. False for a reset.
     */
    public static boolean isDeadPeer(Errno errno) {
        return switch (errno) {
            case ETIMEDOUT, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN -> true;
            default -> false;
        };
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

    /** Finds the error by the exception's number, else by its class. */
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
            return null; // not even a socket can be opened
        }
    }

    /** Whether this process may bind privileged ports; tries some from the last one downwards, which are seldom in use. */
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

    private static int firstUnprivilegedPort() {
        return (int) KernelSettings.number(UNPRIVILEGED).orElse(UNPRIVILEGED_DEFAULT);
    }

    private static String inEnglish(Throwable cause, @Nullable Found found) {
        String message = cause.getMessage() == null ? cause.toString() : cause.getMessage();
        if (found == null) {
            return message;
        }
        String foreign = systemText(found.by);
        return foreign.isEmpty() ? message : message.replace(foreign, found.errno.meaning());
    }

    /** The C library's part of the message of {@code told}. */
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
