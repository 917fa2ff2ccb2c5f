package io.sluice.linux;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * An epoll(7) of our own over many descriptors, which is itself a descriptor that an event loop of any kind can wait for. A
 * descriptor is added once, with a number that identifies it, and costs nothing more until it is closed, which removes it.
 * Lives on one event loop; a call allocates nothing.
 */
public final class ReadySet {

    public static final int IN = 0x1;
    public static final int ERROR = 0x8;

    private static final MethodHandle CREATE = Libc.quickFunction("epoll_create1");
    private static final MethodHandle CONTROL = Libc.quickFunction("epoll_ctl");
    private static final MethodHandle WAIT = Libc.quickFunction("epoll_wait");
    private static final int CLOEXEC = 0x80000;
    private static final int ADD = 1;
    private static final int DELETE = 2;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    /** struct epoll_event is packed on x86-64 alone. */
    private static final boolean PACKED = System.getProperty("os.arch").equals("amd64");
    private static final int EVENT_BYTES = PACKED ? 12 : 16;
    private static final int DATA = PACKED ? 4 : 8;

    private final MemorySegment state = Arena.ofAuto().allocate(Libc.STATE);
    private final MemorySegment added = Arena.ofAuto().allocate(EVENT_BYTES, Long.BYTES);
    private final MemorySegment events;
    private final int most;
    private final int descriptor;

    /** @param most the most ready descriptors of one {@link #look} */
    public ReadySet(int most) throws IOException {
        this.most = most;
        this.events = Arena.ofAuto().allocate((long) most * EVENT_BYTES, Long.BYTES);
        this.descriptor = call("epoll_create1", CREATE, CLOEXEC, 0, 0, 0);
    }

    /** Its own descriptor, which is readable when {@link #look} finds a ready one. */
    public int descriptor() {
        return descriptor;
    }

    /** Adds {@code fd}: {@link #look} finds it from now on whenever it is readable or has an error. */
    public void add(int fd, long number) throws IOException {
        added.set(INT, 0, IN);
        added.set(LONG, DATA, number);
        call("epoll_ctl", CONTROL, descriptor, ADD, fd, added.address());
    }

    /** Removes {@code fd}: a descriptor whose socket another process has too must be removed before it is closed. */
    public void remove(int fd) throws IOException {
        call("epoll_ctl", CONTROL, descriptor, DELETE, fd, added.address());
    }

    /** How many descriptors are ready now, {@code most} at the most; does not wait. */
    public int look() throws IOException {
        return call("epoll_wait", WAIT, descriptor, events.address(), most, 0);
    }

    /** The number of a descriptor that the last {@link #look} found. */
    public long number(int index) {
        return events.get(LONG, (long) index * EVENT_BYTES + DATA);
    }

    private int call(String name, MethodHandle function, long a, long b, long c, long d) throws IOException {
        int result;
        try {
            result = (int) (long) function.invokeExact(state, a, b, c, d, 0L);
        } catch (Throwable e) {
            throw Libc.cannotBeCalled(e);
        }
        if (result < 0) {
            int errno = Libc.errno(state);
            if (errno != Errno.EINTR.number()) {
                throw new ErrnoException(name, errno);
            }
            return 0;
        }
        return result;
    }
}
