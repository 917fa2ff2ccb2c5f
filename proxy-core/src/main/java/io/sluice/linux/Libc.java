package io.sluice.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Functions of the C library as method handles. Those who call keep them in constants, so that the JIT compiles the call
 * itself and nothing in between.
 */
final class Libc {

    /** Where a call leaves its error number; memory for it is the first argument of every handle. */
    static final StructLayout STATE = Linker.Option.captureStateLayout();

    private static final long ERRNO = STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    /**
     * All functions but a few have one signature, because each one that is different takes the JVM some milliseconds at
     * the start: integers and addresses go in registers, a word each, and what a function does not ask for it does not
     * look at. A result that is an int is the lower half of its word; the other half is anything.
     */
    private static final FunctionDescriptor WORDS = FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG);

    /** For syscall(2) with all arguments, and mmap(2). */
    private static final FunctionDescriptor SEVEN_WORDS =
            FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG);

    private Libc() {}

    /** Whether this is Linux: elsewhere nothing of this room works. */
    static boolean isLinux() {
        return System.getProperty("os.name").equals("Linux");
    }

    /** A function of five words at the most, which may block. */
    static MethodHandle function(String name) {
        return handle(name, WORDS, Linker.Option.captureCallState("errno"));
    }

    /** The same for one that does not block: the thread stays a Java thread, so a call costs less. */
    static MethodHandle quickFunction(String name) {
        return handle(name, WORDS, Linker.Option.captureCallState("errno"), Linker.Option.critical(false));
    }

    /** A function of seven words at the most, which may block. */
    static MethodHandle longFunction(String name) {
        return handle(name, SEVEN_WORDS, Linker.Option.captureCallState("errno"));
    }

    /** A function with a signature of its own, such as a variadic one. */
    @SuppressWarnings("restricted") // they take what their pages in section 2 and 3 of the manual say
    static MethodHandle handle(String name, FunctionDescriptor signature, Linker.Option... options) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), signature, options);
    }

    /** The error number that the last call with this {@code state} has left. */
    static int errno(MemorySegment state) {
        return state.get(ValueLayout.JAVA_INT, ERRNO);
    }

    static IllegalStateException cannotBeCalled(Throwable e) {
        return new IllegalStateException("the C library cannot be called", e);
    }
}
