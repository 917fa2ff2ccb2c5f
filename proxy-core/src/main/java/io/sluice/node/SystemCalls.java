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
 * System calls of Linux that Java has no method for: netlink sockets, and descriptors over Unix sockets. Any thread.
 * Every method fails with {@link ErrnoException} if the kernel refuses, with {@link UnsupportedOperationException} on
 * other systems.
 */
final class SystemCalls {

    static final int AF_UNIX = 1;
    static final int AF_INET = 2;
    static final int AF_INET6 = 10;
    static final int AF_NETLINK = 16;
    static final int SOCK_SEQPACKET = 5;
    static final int SOCK_RAW = 3;
    static final int SOCK_CLOEXEC = 0x80000;
    static final int SOL_SOCKET = 1;

    private SystemCalls() {}

    /** Whether this is Linux: elsewhere nothing of this class works. */
    static boolean available() {
        return System.getProperty("os.name").equals("Linux");
    }

    /** socket(2). */
    static int socket(int domain, int type, int protocol) throws IOException {
        return (int) checked("socket", state -> (int) Handles.SOCKET.invokeExact(state, domain, type, protocol));
    }

    /** bind(2). */
    static void bind(int fd, MemorySegment address) throws IOException {
        checked("bind", state -> (int) Handles.BIND.invokeExact(state, fd, address, (int) address.byteSize()));
    }

    /** connect(2). */
    static void connect(int fd, MemorySegment address) throws IOException {
        checked("connect", state -> (int) Handles.CONNECT.invokeExact(state, fd, address, (int) address.byteSize()));
    }

    /** listen(2). */
    static void listen(int fd, int backlog) throws IOException {
        checked("listen", state -> (int) Handles.LISTEN.invokeExact(state, fd, backlog));
    }

    /** accept4(2), without the peer's address. */
    static int accept(int fd) throws IOException {
        return (int) checked("accept", state -> (int) Handles.ACCEPT.invokeExact(state, fd, MemorySegment.NULL,
                MemorySegment.NULL, SOCK_CLOEXEC));
    }

    /** getsockopt(2); {@code length} holds the size of {@code value}. */
    static void option(int fd, int level, int name, MemorySegment value, MemorySegment length) throws IOException {
        checked("getsockopt", state -> (int) Handles.GETSOCKOPT.invokeExact(state, fd, level, name, value, length));
    }

    /** sendmsg(2). */
    static long sendMessage(int fd, MemorySegment header, int flags) throws IOException {
        return checked("sendmsg", state -> (long) Handles.SENDMSG.invokeExact(state, fd, header, flags));
    }

    /** recvmsg(2). */
    static long receiveMessage(int fd, MemorySegment header, int flags) throws IOException {
        return checked("recvmsg", state -> (long) Handles.RECVMSG.invokeExact(state, fd, header, flags));
    }

    /** setsockopt(2) with an int or a struct. */
    static void option(int fd, int level, int name, MemorySegment value) throws IOException {
        checked("setsockopt",
                state -> (int) Handles.SETSOCKOPT.invokeExact(state, fd, level, name, value, (int) value.byteSize()));
    }

    /** send(2); how many bytes were taken. */
    static long send(int fd, MemorySegment bytes) throws IOException {
        return checked("send", state -> (long) Handles.SEND.invokeExact(state, fd, bytes, bytes.byteSize(), 0));
    }

    /** recv(2); how many bytes came. */
    static long receive(int fd, MemorySegment into) throws IOException {
        return checked("recv", state -> (long) Handles.RECV.invokeExact(state, fd, into, into.byteSize(), 0));
    }

    /** close(2). */
    static void close(int fd) throws IOException {
        checked("close", state -> (int) Handles.CLOSE.invokeExact(state, fd));
    }

    /** strerror(3). */
    @SuppressWarnings("restricted") // strerror gives a string that ends with a zero
    static String text(int errno) {
        try {
            MemorySegment text = (MemorySegment) Handles.STRERROR.invokeExact(errno);
            return text.reinterpret(256).getString(0);
        } catch (Throwable e) {
            throw new IllegalStateException("strerror cannot be called", e);
        }
    }

    private interface Call {
        long with(MemorySegment state) throws Throwable;
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

        private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
        private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

        static final MethodHandle SOCKET = call("socket", FunctionDescriptor.of(INT, INT, INT, INT));
        static final MethodHandle BIND = call("bind", FunctionDescriptor.of(INT, INT, ValueLayout.ADDRESS, INT));
        static final MethodHandle SETSOCKOPT =
                call("setsockopt", FunctionDescriptor.of(INT, INT, INT, INT, ValueLayout.ADDRESS, INT));
        static final MethodHandle SEND =
                call("send", FunctionDescriptor.of(LONG, INT, ValueLayout.ADDRESS, LONG, INT));
        static final MethodHandle RECV =
                call("recv", FunctionDescriptor.of(LONG, INT, ValueLayout.ADDRESS, LONG, INT));
        static final MethodHandle CONNECT =
                call("connect", FunctionDescriptor.of(INT, INT, ValueLayout.ADDRESS, INT));
        static final MethodHandle LISTEN = call("listen", FunctionDescriptor.of(INT, INT, INT));
        static final MethodHandle ACCEPT =
                call("accept4", FunctionDescriptor.of(INT, INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, INT));
        static final MethodHandle GETSOCKOPT = call("getsockopt",
                FunctionDescriptor.of(INT, INT, INT, INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS));
        static final MethodHandle SENDMSG =
                call("sendmsg", FunctionDescriptor.of(LONG, INT, ValueLayout.ADDRESS, INT));
        static final MethodHandle RECVMSG =
                call("recvmsg", FunctionDescriptor.of(LONG, INT, ValueLayout.ADDRESS, INT));
        static final MethodHandle CLOSE = call("close", FunctionDescriptor.of(INT, INT));
        static final MethodHandle STRERROR = handle("strerror", FunctionDescriptor.of(ValueLayout.ADDRESS, INT));

        private Handles() {}

        private static MethodHandle call(String name, FunctionDescriptor signature) {
            return handle(name, signature, Linker.Option.captureCallState("errno"));
        }

        @SuppressWarnings("restricted") // the functions have these signatures: section 2 of the manual
        private static MethodHandle handle(String name, FunctionDescriptor signature, Linker.Option... options) {
            Linker linker = Linker.nativeLinker();
            return linker.downcallHandle(linker.defaultLookup().find(name).orElseThrow(), signature, options);
        }
    }
}
