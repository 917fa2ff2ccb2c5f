package io.sluice.liveness;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Ends the process when it could only go on half dead, with listening sockets that no thread serves; a supervisor restarts
 * it. Any thread.
 *
 * <p>When the heap or the metaspace is exhausted the Java virtual machine itself ends the process with the same code
 * ({@code -XX:+ExitOnOutOfMemoryError}). It does not when no thread can be started, nor for errors of other kinds.
 */
public final class FatalErrors {

    /** The exit code after an error of the Java virtual machine, out of memory above all; HotSpot's own code for it. */
    public static final int VIRTUAL_MACHINE = 3;
    /** The exit code after a fault of this program has ended a thread that the others need. */
    public static final int DEAD_THREAD = 4;

    /** Threads that this program needs and does not start itself; the second is that of the JDK's HTTP server. */
    private static final Set<String> VITAL = Set.of("main", "HTTP-Dispatcher");
    /** The most causes that are followed: a chain of causes may be a ring. */
    private static final int CAUSES = 16;
    private static final int FRAMES = 24;

    /** How the process ends. */
    @FunctionalInterface
    interface Exit {
        void now(int code, String line);
    }

    private static volatile Exit exit = FatalErrors::halt;

    private FatalErrors() {}

    /** Makes uncaught errors end the process, where they must, and logs all others. Once, before the work begins. */
    public static void install() {
        LastWords.THREAD.getName(); // made now: later there may be no memory for a thread
        Thread.setDefaultUncaughtExceptionHandler(FatalErrors::uncaught);
    }

    /** The task of a thread that others need: if it ends by an error, the process ends. */
    public static Runnable vital(Runnable life) {
        return () -> {
            try {
                life.run();
            } catch (Throwable error) {
                threadEnded(error);
                throw error;
            }
        };
    }

    /** Ends the process: the current thread, which others need, ends by {@code error}. */
    public static void threadEnded(Throwable error) {
        boolean fatal = isFatal(error);
        end(fatal ? VIRTUAL_MACHINE : DEAD_THREAD, error, fatal ? "" : " (a fault in the proxy; please report it)");
    }

    /** Ends the process if it cannot go on after {@code error}; else returns. */
    public static void endIfFatal(Throwable error) {
        if (isFatal(error)) {
            end(VIRTUAL_MACHINE, error, "");
        }
    }

    /**
     * Whether the process cannot go on after {@code error}. A stack overflow ends one call, and a lack of memory for buffers,
     * outside of the heap, affects only their users: clients that read slowly can cause it.
     */
    static boolean isFatal(Throwable error) {
        Throwable cause = error;
        for (int i = 0; i < CAUSES && cause != null; i++) {
            if (cause instanceof VirtualMachineError && !(cause instanceof StackOverflowError)
                    && !isLackOfBuffers(cause)) {
                return true;
            }
            cause = cause.getCause();
        }
        return false;
    }

    /** Recognized by the messages of {@code java.nio.Bits} and Netty's allocator. */
    private static boolean isLackOfBuffers(Throwable error) {
        String message = String.valueOf(error.getMessage());
        return error instanceof OutOfMemoryError
                && (message.startsWith("Cannot reserve") || message.contains("direct memory"));
    }

    /** Handles an uncaught {@code error}, by which {@code thread} ends. */
    static void uncaught(Thread thread, Throwable error) {
        if (VITAL.contains(thread.getName())) {
            threadEnded(error);
        } else {
            Faults.report("the thread " + thread.getName(), error);
        }
    }

    private static void end(int code, Throwable error, String remark) {
        String line;
        try {
            line = "sluice: ending with exit code " + code + ": " + error + " in thread "
                    + Thread.currentThread().getName() + remark + ": "
                    + oneLine(rootOf(error).getStackTrace(), FRAMES);
        } catch (Throwable noMemory) {
            line = "sluice: ending, out of memory";
        }
        exit.now(code, line);
    }

    private static Throwable rootOf(Throwable error) {
        Throwable root = error;
        for (int i = 0; i < CAUSES; i++) {
            Throwable cause = root.getCause();
            if (cause == null) {
                break;
            }
            root = cause;
        }
        return root;
    }

    /** The innermost {@code limit} frames of a stack in one line, the innermost first. */
    static String oneLine(StackTraceElement[] stack, int limit) {
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < Math.min(limit, stack.length); i++) {
            StackTraceElement frame = stack[i];
            line.append(i == 0 ? "" : " < ").append(frame.getClassName()).append('.').append(frame.getMethodName())
                    .append('(').append(frame.getFileName()).append(':').append(frame.getLineNumber()).append(')');
        }
        return line.append(stack.length > limit ? " < …" : "").toString();
    }

    /** For tests: replaces the end of the process; null restores it. */
    static void exitBy(@Nullable Exit instead) {
        exit = instead == null ? FatalErrors::halt : instead;
    }

    /** Ends without shutdown hooks: these could wait for the thread that has ended. */
    private static void halt(int code, String line) {
        LastWords.say(line);
        Runtime.getRuntime().halt(code);
    }

    /**
     * Writes one line to standard error on a thread of its own, which may wait for ever for a reader: the thread that
     * ends the process waits for it only for a limited time.
     */
    private static final class LastWords {

        private static final long PATIENCE_MILLIS = 500;

        static final Thread THREAD =
                Thread.ofPlatform().name("sluice-last-words").daemon().start(LastWords::speak);
        private static volatile byte @Nullable [] line;

        static void say(String text) {
            line = (text + "\n").getBytes(StandardCharsets.UTF_8);
            LockSupport.unpark(THREAD);
            try {
                THREAD.join(PATIENCE_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }

        @SuppressWarnings("SystemConsoleNull") // the descriptor itself: System.err could be locked by another thread
        private static void speak() {
            byte[] words = line;
            while (words == null) {
                LockSupport.parkNanos(TimeUnit.HOURS.toNanos(1));
                words = line;
            }
            try {
                new FileOutputStream(FileDescriptor.err).write(words);
            } catch (IOException nobodyReads) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
