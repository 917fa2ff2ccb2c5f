package io.sluice.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Replaces the program of this process by another: execve(2). The process keeps its ID, terminal and parent, so that no
 * process in between has to pass on signals and exit codes.
 */
public final class ProcessImage {

    private ProcessImage() {}

    /**
     * Does not return if it succeeds.
     *
     * @param arguments   the first is the program's name
     * @param environment of the program
     * @throws IOException if the kernel refuses
     */
    public static void replace(Path program, List<String> arguments, Map<String, String> environment)
            throws IOException {
        MethodHandle execve = Libc.function("execve");
        int errno;
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            MemorySegment path = arena.allocateFrom(program.toString());
            MemorySegment argv = array(arguments, arena);
            MemorySegment envp =
                    array(environment.entrySet().stream().map(e -> e.getKey() + '=' + e.getValue()).toList(), arena);
            // It returns only if it has failed.
            long failed = (long) execve.invokeExact(state, path.address(), argv.address(), envp.address(), 0L, 0L);
            errno = (int) failed == 0 ? 0 : Libc.errno(state);
        } catch (Throwable e) {
            throw new IllegalStateException("execve cannot be called", e);
        }
        throw new IOException(program + " cannot be executed" + switch (Errno.of(errno)) {
            case E2BIG -> ": its arguments and variables are too long";
            case EACCES -> ": permission denied";
            case null, default -> " (errno " + errno + ")";
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
