package io.sluice.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/** Signals to groups of processes: kill(2) with a negative number. Any thread. */
public final class ProcessGroups {

    public static final int SIGKILL = 9;
    public static final int SIGTERM = 15;

    private ProcessGroups() {}

    /**
     * Sends {@code signal} to all processes of a group.
     *
     * @param leader the ID of the process that leads the group; at least 2
     * @param signal 0 to send none
     * @return whether the group has a process that may be sent it
     */
    public static boolean signal(long leader, int signal) {
        if (leader < 2) {
            throw new IllegalArgumentException(leader + " leads no group of ours");
        }
        MethodHandle kill = Libc.function("kill");
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment state = arena.allocate(Libc.STATE);
            return (int) (long) kill.invokeExact(state, -leader, (long) signal, 0L, 0L, 0L) == 0;
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
    }
}
