package io.sluice.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** The system calls that Netty has no method for. Any thread; elsewhere than on Linux they do nothing. */
public final class LinuxCalls {

    private static final long SIOCOUTQ = 0x5411;
    private static final int F_SETPIPE_SZ = 1031;

    private static final @Nullable MethodHandle IOCTL = function("ioctl",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG,
                    ValueLayout.ADDRESS),
            Linker.Option.firstVariadicArg(2));
    private static final @Nullable MethodHandle FCNTL = function("fcntl",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT,
                    ValueLayout.JAVA_INT),
            Linker.Option.firstVariadicArg(2));

    private LinuxCalls() {}

    /**
     * The number of bytes written to the open socket {@code fd} that its peer has not acknowledged: {@code SIOCOUTQ},
     * tcp(7). A reset discards them. 0 also if the kernel refuses, and on other systems.
     */
    public static int unacknowledged(int fd) {
        MethodHandle ioctl = IOCTL;
        if (ioctl == null) {
            return 0;
        }
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment value = arena.allocate(ValueLayout.JAVA_INT);
            int result = (int) ioctl.invokeExact(fd, SIOCOUTQ, value);
            return result < 0 ? 0 : value.get(ValueLayout.JAVA_INT, 0);
        } catch (Throwable e) {
            throw new IllegalStateException("ioctl cannot be called", e);
        }
    }

    /**
     * Requests a capacity of {@code bytes} for a pipe (fcntl(2)); if the kernel refuses, the pipe stays as it is.
     *
     * @return whether the kernel granted it; true also on other systems
     */
    public static boolean pipeSize(int fd, int bytes) {
        MethodHandle fcntl = FCNTL;
        if (fcntl == null) {
            return true;
        }
        try {
            int granted = (int) fcntl.invokeExact(fd, F_SETPIPE_SZ, bytes);
            return granted >= 0;
        } catch (Throwable e) {
            throw new IllegalStateException("fcntl cannot be called", e);
        }
    }

    private static @Nullable MethodHandle function(String name, FunctionDescriptor signature,
            Linker.Option... options) {
        return Libc.isLinux() ? Libc.handle(name, signature, options) : null;
    }
}
