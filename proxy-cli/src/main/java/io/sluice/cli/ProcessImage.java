package io.sluice.cli;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Puts another program in the place of this process: execve(2). It keeps the process's number, terminal and parent, so
 * signals and exit codes need nobody in between.
 */
final class ProcessImage {

    private ProcessImage() {}

    /**
     * Does not return if it succeeds.
     *
     * @param arguments   the first is the program's name
     * @param environment of the program
     * @throws IOException if the kernel refuses
     */
    @SuppressWarnings("restricted") // execve has this signature: execve(2)
    static void replace(Path program, List<String> arguments, Map<String, String> environment) throws IOException {
        Linker linker = Linker.nativeLinker();
        StructLayout state = Linker.Option.captureStateLayout();
        MethodHandle execve = linker.downcallHandle(linker.defaultLookup().find("execve").orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS,
                        ValueLayout.ADDRESS),
                Linker.Option.captureCallState("errno"));
        int errno;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment captured = arena.allocate(state);
            MemorySegment path = arena.allocateFrom(program.toString());
            MemorySegment argv = array(arguments, arena);
            MemorySegment envp =
                    array(environment.entrySet().stream().map(e -> e.getKey() + '=' + e.getValue()).toList(), arena);
            int result = (int) execve.invokeExact(captured, path, argv, envp);
            errno = result == 0
                    ? 0
                    : captured.get(ValueLayout.JAVA_INT,
                            state.byteOffset(MemoryLayout.PathElement.groupElement("errno")));
        } catch (Throwable e) {
            throw new IllegalStateException("execve cannot be called", e);
        }
        throw new IOException(program + " cannot be executed" + switch (errno) {
            case 7 -> ": its arguments and variables are too long";
            case 13 -> ": permission denied";
            default -> " (errno " + errno + ")";
        });
    }

    private static MemorySegment array(List<String> texts, Arena arena) {
        MemorySegment array = arena.allocate(ValueLayout.ADDRESS, texts.size() + 1L);
        for (int i = 0; i < texts.size(); i++) {
            array.setAtIndex(ValueLayout.ADDRESS, i, arena.allocateFrom(texts.get(i)));
        }
        array.setAtIndex(ValueLayout.ADDRESS, texts.size(), MemorySegment.NULL);
        return array;
    }
}
