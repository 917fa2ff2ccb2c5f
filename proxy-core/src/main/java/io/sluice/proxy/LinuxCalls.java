package io.sluice.proxy;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/** The system calls that Netty has no method for. Any thread; elsewhere than on Linux they do nothing. */
final class LinuxCalls {

    private static final boolean LINUX = System.getProperty("os.name").equals("Linux");
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
     * How much of what was written to the open socket {@code fd} its peer has not acknowledged: {@code SIOCOUTQ}, tcp(7).
     * A reset throws that away. 0 also where the kernel cannot be asked.
     */
    static int unacknowledged(int fd) {
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

    /** Asks for room for {@code bytes} in a pipe (fcntl(2)); the kernel may refuse, the pipe stays as it is then. */
    static void pipeSize(int fd, int bytes) {
        MethodHandle fcntl = FCNTL;
        if (fcntl != null) {
            try {
                int granted = (int) fcntl.invokeExact(fd, F_SETPIPE_SZ, bytes);
                if (granted < 0) {
                    ProxiedConnection.LOG.debug("the kernel grants no larger pipes");
                }
            } catch (Throwable e) {
                throw new IllegalStateException("fcntl cannot be called", e);
            }
        }
    }

    @SuppressWarnings("restricted") // the functions have these signatures: ioctl(2), fcntl(2)
    private static @Nullable MethodHandle function(String name, FunctionDescriptor signature,
            Linker.Option... options) {
        if (!LINUX) {
            return null;
        }
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find(name).map(symbol -> linker.downcallHandle(symbol, signature, options))
                .orElse(null);
    }
}
