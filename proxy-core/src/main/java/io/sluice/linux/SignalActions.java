package io.sluice.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** The actions of signals: sigaction(2). Any thread. */
public final class SignalActions {

    /** Longer than a struct sigaction of any C library: sigaction(2). */
    private static final int ACTION_BYTES = 512;

    private SignalActions() {}

    /**
     * Gives signal {@code number} the action of another, which is the JVM's own handler: it notifies the JVM of the signal,
     * which has a Java handler for it by now. The JVM does not do so for a signal that was ignored when it started. Does
     * nothing if the C library cannot read the other's action.
     *
     * @throws IllegalStateException if there is no such function, or it refuses the signal
     */
    public static void copy(int number, int like) {
        MethodHandle sigaction = Libc.function("sigaction");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            MemorySegment action = arena.allocate(ACTION_BYTES, Long.BYTES);
            long asked = (long) sigaction.invokeExact(state, (long) like, 0L, action.address(), 0L, 0L);
            if ((int) asked == 0) {
                long set = (long) sigaction.invokeExact(state, (long) number, action.address(), 0L, 0L, 0L);
                if ((int) set != 0) {
                    throw new IllegalStateException("sigaction refuses signal " + number);
                }
            }
        } catch (Throwable e) {
            throw new IllegalStateException("sigaction cannot be called", e);
        }
    }
}
