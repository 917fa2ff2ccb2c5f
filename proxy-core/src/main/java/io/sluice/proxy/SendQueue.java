package io.sluice.proxy;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * How much of what was written to a socket its peer has not acknowledged: Linux's {@code SIOCOUTQ}, tcp(7).
 *
 * <p>A reset throws that away. Before one reset is relayed, the bytes that came before it should have arrived.
 */
final class SendQueue {

    private static final long SIOCOUTQ = 0x5411;
    private static final @Nullable MethodHandle IOCTL = ioctl();

    private SendQueue() {}

    /** Bytes on their way from the open socket {@code fd}; 0 also where the kernel cannot be asked. */
    static int bytes(int fd) {
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

    @SuppressWarnings("restricted") // the one native call: ioctl(2) has this signature
    private static @Nullable MethodHandle ioctl() {
        if (!System.getProperty("os.name").equals("Linux")) {
            return null;
        }
        Linker linker = Linker.nativeLinker();
        return linker.defaultLookup().find("ioctl")
                .map(symbol -> linker.downcallHandle(symbol,
                        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG,
                                ValueLayout.ADDRESS),
                        Linker.Option.firstVariadicArg(2)))
                .orElse(null);
    }
}
