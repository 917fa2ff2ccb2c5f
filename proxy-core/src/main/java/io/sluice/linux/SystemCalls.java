package io.sluice.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * System calls of Linux that Java has no method for: netlink sockets, Unix sockets, and descriptors and datagrams over
 * them. Any thread.
 * Every method fails with {@link ErrnoException} if the kernel refuses, with {@link UnsupportedOperationException} on
 * other systems.
 */
public final class SystemCalls {

    private static final long F_DUPFD_CLOEXEC = 1030;
    private static final long F_SETFD = 2;

    private SystemCalls() {}

    /** Whether this is Linux: this class works nowhere else. */
    public static boolean available() {
        return Libc.isLinux();
    }

    /** socket(2). */
    public static int socket(int domain, int type, int protocol) throws IOException {
        return checkedInt("socket",
                state -> (long) Handles.SOCKET.invokeExact(state, (long) domain, (long) type,
                        (long) protocol, 0L, 0L));
    }

    /** bind(2). */
    public static void bind(int fd, MemorySegment address) throws IOException {
        checkedInt("bind", state -> (long) Handles.BIND.invokeExact(state, (long) fd, address.address(),
                address.byteSize(), 0L, 0L));
    }

    /** connect(2). */
    public static void connect(int fd, MemorySegment address) throws IOException {
        checkedInt("connect", state -> (long) Handles.CONNECT.invokeExact(state, (long) fd, address.address(),
                address.byteSize(), 0L, 0L));
    }

    /** listen(2). */
    public static void listen(int fd, int backlog) throws IOException {
        checkedInt("listen",
                state -> (long) Handles.LISTEN.invokeExact(state, (long) fd, (long) backlog, 0L, 0L, 0L));
    }

    /** accept4(2), without the peer's address. */
    public static int accept(int fd) throws IOException {
        return checkedInt("accept", state -> (long) Handles.ACCEPT.invokeExact(state, (long) fd, 0L, 0L,
                (long) SocketOptions.SOCK_CLOEXEC, 0L));
    }

    /** socketpair(2): two sockets that are connected to each other. */
    public static int[] socketPair(int domain, int type) throws IOException {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment pair = arena.allocate(2L * Integer.BYTES, Integer.BYTES);
            checkedInt("socketpair", state -> (long) Handles.SOCKETPAIR.invokeExact(state, (long) domain, (long) type,
                    0L, pair.address(), 0L));
            return pair.toArray(ValueLayout.JAVA_INT);
        }
    }

    /** Another descriptor of the same open file, closed on exec(2); fcntl(2). */
    public static int duplicate(int fd) throws IOException {
        return checkedInt("fcntl", state -> (long) Handles.FCNTL.invokeExact(state, (long) fd, F_DUPFD_CLOEXEC, 0L, 0L,
                0L));
    }

    /** getsockopt(2); {@code length} holds the size of {@code value}. */
    public static void option(int fd, int level, int name, MemorySegment value, MemorySegment length)
            throws IOException {
        checkedInt("getsockopt", state -> (long) Handles.GETSOCKOPT.invokeExact(state, (long) fd, (long) level,
                (long) name, value.address(), length.address()));
    }

    /** sendmsg(2). */
    public static long sendMessage(int fd, MemorySegment header, int flags) throws IOException {
        return checked("sendmsg", state -> (long) Handles.SENDMSG.invokeExact(state, (long) fd, header.address(),
                (long) flags, 0L, 0L));
    }

    /** recvmsg(2). */
    public static long receiveMessage(int fd, MemorySegment header, int flags) throws IOException {
        return checked("recvmsg", state -> (long) Handles.RECVMSG.invokeExact(state, (long) fd, header.address(),
                (long) flags, 0L, 0L));
    }

    /** setsockopt(2) with an int or a struct. */
    public static void option(int fd, int level, int name, MemorySegment value) throws IOException {
        checkedInt("setsockopt",
                state -> (long) Handles.SETSOCKOPT.invokeExact(state, (long) fd, (long) level, (long) name,
                        value.address(), value.byteSize()));
    }

    /** send(2); how many bytes the kernel took. */
    public static long send(int fd, MemorySegment bytes) throws IOException {
        return checked("send", state -> (long) Handles.SEND.invokeExact(state, (long) fd, bytes.address(),
                bytes.byteSize(), 0L, 0L));
    }

    /** recv(2); how many bytes came. */
    public static long receive(int fd, MemorySegment into) throws IOException {
        return checked("recv", state -> (long) Handles.RECV.invokeExact(state, (long) fd, into.address(),
                into.byteSize(), 0L, 0L));
    }

    /** poll(2) over structs pollfd; how many have events, 0 after {@code millis}. */
    public static int poll(MemorySegment descriptors, int count, int millis) throws IOException {
        return checkedInt("poll", state -> (long) Handles.POLL.invokeExact(state, descriptors.address(), (long) count,
                (long) millis, 0L, 0L));
    }

    /** fchmod(2). */
    public static void mode(int fd, int mode) throws IOException {
        checkedInt("fchmod", state -> (long) Handles.FCHMOD.invokeExact(state, (long) fd, (long) mode, 0L, 0L, 0L));
    }

    /** Keeps {@code fd} open across exec(2); fcntl(2). */
    public static void inherit(int fd) throws IOException {
        checkedInt("fcntl", state -> (long) Handles.FCNTL.invokeExact(state, (long) fd, F_SETFD, 0L, 0L, 0L));
    }

    /** close(2). */
    public static void close(int fd) throws IOException {
        checkedInt("close", state -> (long) Handles.CLOSE.invokeExact(state, (long) fd, 0L, 0L, 0L, 0L));
    }

    private interface Call {
        long with(MemorySegment state) throws Throwable;
    }

    /** The same for a function that returns an int: the other half of its word is undefined. */
    private static int checkedInt(String name, Call call) throws IOException {
        return (int) checked(name, state -> (int) call.with(state));
    }

    private static long checked(String name, Call call) throws IOException {
        if (!available()) {
            throw new UnsupportedOperationException(name + " needs Linux");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            while (true) {
                long result = call.with(state);
                if (result >= 0) {
                    return result;
                }
                int errno = Libc.errno(state);
                if (errno != Errno.EINTR.number()) {
                    throw new ErrnoException(name, errno);
                }
            }
        } catch (IOException | RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(name + " cannot be called", e);
        }
    }

    /** Looked up when the first call is made, so that the class can be loaded anywhere. */
    private static final class Handles {
        static final MethodHandle SOCKET = Libc.function("socket");
        static final MethodHandle SOCKETPAIR = Libc.function("socketpair");
        static final MethodHandle FCNTL = Libc.function("fcntl");
        static final MethodHandle BIND = Libc.function("bind");
        static final MethodHandle SETSOCKOPT = Libc.function("setsockopt");
        static final MethodHandle SEND = Libc.function("send");
        static final MethodHandle RECV = Libc.function("recv");
        static final MethodHandle CONNECT = Libc.function("connect");
        static final MethodHandle LISTEN = Libc.function("listen");
        static final MethodHandle ACCEPT = Libc.function("accept4");
        static final MethodHandle GETSOCKOPT = Libc.function("getsockopt");
        static final MethodHandle SENDMSG = Libc.function("sendmsg");
        static final MethodHandle RECVMSG = Libc.function("recvmsg");
        static final MethodHandle POLL = Libc.function("poll");
        static final MethodHandle FCHMOD = Libc.function("fchmod");
        static final MethodHandle CLOSE = Libc.function("close");

        private Handles() {}
    }
}
