package io.sluice.node;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * System calls of Linux that Java has no method for: netlink sockets, Unix sockets, and descriptors and datagrams over
 * them. Any thread.
 * Every method fails with {@link ErrnoException} if the kernel refuses, with {@link UnsupportedOperationException} on
 * other systems.
 */
final class SystemCalls {

    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int AF_NETLINK = 16;
    static final int SOCK_SEQPACKET = 5;
    static final int SOCK_DGRAM = 2;
    static final int SOCK_RAW = 3;
    static final int SOCK_NONBLOCK = 0x800;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SOL_SOCKET = 1;

    private SystemCalls() {}

    /** Whether this is Linux: elsewhere nothing of this class works. */
    static boolean available() {
        return System.getProperty("os.name").equals("Linux");
    }

    /** socket(2). */
    static int socket(int domain, int type, int protocol) throws IOException {
        return checkedInt("socket",
                state -> (long) Handles.SOCKET.invokeExact(state, (long) domain, (long) type,
                        (long) protocol, 0L, 0L));
    }

    /** bind(2). */
    static void bind(int fd, MemorySegment address) throws IOException {
        checkedInt("bind", state -> (long) Handles.BIND.invokeExact(state, (long) fd, address.address(),
                address.byteSize(), 0L, 0L));
    }

    /** connect(2). */
    static void connect(int fd, MemorySegment address) throws IOException {
        checkedInt("connect", state -> (long) Handles.CONNECT.invokeExact(state, (long) fd, address.address(),
                address.byteSize(), 0L, 0L));
    }

    /** listen(2). */
    static void listen(int fd, int backlog) throws IOException {
        checkedInt("listen",
                state -> (long) Handles.LISTEN.invokeExact(state, (long) fd, (long) backlog, 0L, 0L, 0L));
    }

    /** accept4(2), without the peer's address. */
    static int accept(int fd) throws IOException {
        return checkedInt("accept", state -> (long) Handles.ACCEPT.invokeExact(state, (long) fd, 0L, 0L,
                (long) SOCK_CLOEXEC, 0L));
    }

    /** getsockopt(2); {@code length} holds the size of {@code value}. */
    static void option(int fd, int level, int name, MemorySegment value, MemorySegment length) throws IOException {
        checkedInt("getsockopt", state -> (long) Handles.GETSOCKOPT.invokeExact(state, (long) fd, (long) level,
                (long) name, value.address(), length.address()));
    }

    /** sendmsg(2). */
    static long sendMessage(int fd, MemorySegment header, int flags) throws IOException {
        return checked("sendmsg", state -> (long) Handles.SENDMSG.invokeExact(state, (long) fd, header.address(),
                (long) flags, 0L, 0L));
    }

    /** recvmsg(2). */
    static long receiveMessage(int fd, MemorySegment header, int flags) throws IOException {
        return checked("recvmsg", state -> (long) Handles.RECVMSG.invokeExact(state, (long) fd, header.address(),
                (long) flags, 0L, 0L));
    }

    /** setsockopt(2) with an int or a struct. */
    static void option(int fd, int level, int name, MemorySegment value) throws IOException {
        checkedInt("setsockopt",
                state -> (long) Handles.SETSOCKOPT.invokeExact(state, (long) fd, (long) level, (long) name,
                        value.address(), value.byteSize()));
    }

    /** send(2); how many bytes were taken. */
    static long send(int fd, MemorySegment bytes) throws IOException {
        return checked("send", state -> (long) Handles.SEND.invokeExact(state, (long) fd, bytes.address(),
                bytes.byteSize(), 0L, 0L));
    }

    /** recv(2); how many bytes came. */
    static long receive(int fd, MemorySegment into) throws IOException {
        return checked("recv", state -> (long) Handles.RECV.invokeExact(state, (long) fd, into.address(),
                into.byteSize(), 0L, 0L));
    }

    /** poll(2) over structs pollfd; how many have something to tell, 0 after {@code millis}. */
    static int poll(MemorySegment descriptors, int count, int millis) throws IOException {
        return checkedInt("poll", state -> (long) Handles.POLL.invokeExact(state, descriptors.address(), (long) count,
                (long) millis, 0L, 0L));
    }

    /** fchmod(2). */
    static void mode(int fd, int mode) throws IOException {
        checkedInt("fchmod", state -> (long) Handles.FCHMOD.invokeExact(state, (long) fd, (long) mode, 0L, 0L, 0L));
    }

    /** close(2). */
    static void close(int fd) throws IOException {
        checkedInt("close", state -> (long) Handles.CLOSE.invokeExact(state, (long) fd, 0L, 0L, 0L, 0L));
    }

    /** strerror(3). */
    @SuppressWarnings("restricted") // strerror gives a string that ends with a zero
    static String text(int errno) {
        try {
            MemorySegment text = (MemorySegment) Texts.STRERROR.invokeExact(errno);
            return text.reinterpret(256).getString(0);
        } catch (Throwable e) {
            throw new IllegalStateException("strerror cannot be called", e);
        }
    }

    private interface Call {
        long with(MemorySegment state) throws Throwable;
    }

    /** The same for a function that gives an int: the other half of its word is anything. */
    private static int checkedInt(String name, Call call) throws IOException {
        return (int) checked(name, state -> (int) call.with(state));
    }

    private static long checked(String name, Call call) throws IOException {
        if (!available()) {
            throw new UnsupportedOperationException(name + " needs Linux");
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Handles.STATE);
            while (true) {
                long result = call.with(state);
                if (result >= 0) {
                    return result;
                }
                int errno = state.get(ValueLayout.JAVA_INT, Handles.ERRNO);
                if (errno != ErrnoException.EINTR) {
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
        static final StructLayout STATE = Linker.Option.captureStateLayout();
        static final long ERRNO = STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));

        private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
        /**
         * All functions have one signature, because each one that is different takes the JVM some milliseconds at the
         * start: integers and addresses go in registers, a word each, and what a function does not ask for it does not
         * look at.
         */
        private static final FunctionDescriptor WORDS = FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG);

        static final MethodHandle SOCKET = call("socket");
        static final MethodHandle BIND = call("bind");
        static final MethodHandle SETSOCKOPT = call("setsockopt");
        static final MethodHandle SEND = call("send");
        static final MethodHandle RECV = call("recv");
        static final MethodHandle CONNECT = call("connect");
        static final MethodHandle LISTEN = call("listen");
        static final MethodHandle ACCEPT = call("accept4");
        static final MethodHandle GETSOCKOPT = call("getsockopt");
        static final MethodHandle SENDMSG = call("sendmsg");
        static final MethodHandle RECVMSG = call("recvmsg");
        static final MethodHandle POLL = call("poll");
        static final MethodHandle FCHMOD = call("fchmod");
        static final MethodHandle CLOSE = call("close");

        private Handles() {}

        @SuppressWarnings("restricted") // they take integers and addresses: section 2 of the manual
        private static MethodHandle call(String name) {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), WORDS,
                    Linker.Option.captureCallState("errno"));
        }
    }

    /** Looked up when the first call fails. */
    private static final class Texts {
        static final MethodHandle STRERROR = strerror();

        private Texts() {}

        @SuppressWarnings("restricted") // char *strerror(int)
        private static MethodHandle strerror() {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(linker.defaultLookup().findOrThrow("strerror"),
                    FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_INT));
        }
    }
}
