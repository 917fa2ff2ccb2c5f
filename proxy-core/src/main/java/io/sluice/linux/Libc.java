package io.sluice.linux;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Functions of the C library as method handles. Callers keep them in constants, so that the JIT compiles a direct call.
 */
final class Libc {

    /** The layout of a call's error number; memory for it is the first argument of every handle. */
    static final StructLayout STATE = Linker.Option.captureStateLayout();

    private static final long ERRNO = STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;

    /**
     * All functions but a few have one signature, because each different one takes the JVM some milliseconds at the start:
     * integers and addresses go in registers, a word each, and a function ignores the words beyond its own arguments. A
     * result that is an int is the lower half of its word; the other half is undefined.
     */
    private static final FunctionDescriptor WORDS = FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG);

    /** For syscall(2) with all arguments, and mmap(2). */
    private static final FunctionDescriptor SEVEN_WORDS =
            FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG);

    private Libc() {}

    /** Whether this is Linux: no class of this room works elsewhere. */
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
    @SuppressWarnings("restricted") // the signatures are those of the manual, sections 2 and 3
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
