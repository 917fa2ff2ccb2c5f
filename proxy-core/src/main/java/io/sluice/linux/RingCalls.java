package io.sluice.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The system calls of an io_uring(7), which the C library has no functions for, and of the memory that it shares with the
 * kernel. One that fails returns a negative number or {@link MemorySegment#NULL}, and {@link #errno} says why.
 *
 * <p>For one thread: the memory for errors is used again by each call.
 */
public final class RingCalls {

    private static final MethodHandle SYSCALL = Libc.longFunction("syscall");
    private static final MethodHandle MMAP = Libc.longFunction("mmap");
    private static final MethodHandle MUNMAP = Libc.longFunction("munmap");

    // Numbers that x86-64 and arm64 share.
    private static final long SYS_IO_URING_SETUP = 425;
    private static final long SYS_IO_URING_ENTER = 426;
    private static final long SYS_IO_URING_REGISTER = 427;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED_POPULATE = 0x1 | 0x8000;
    private static final int MAP_PRIVATE_ANONYMOUS = 0x2 | 0x20;
    private static final int NO_FILE = -1;

    private final MemorySegment state = Arena.ofAuto().allocate(Libc.STATE);

    /** io_uring_setup(2): the ring's descriptor. */
    public int setup(int entries, MemorySegment params) {
        return (int) call(SYSCALL, SYS_IO_URING_SETUP, entries, params.address(), 0, 0, 0, 0);
    }

    /** io_uring_register(2). */
    public int register(int ring, int operation, MemorySegment argument, int count) {
        return (int) call(SYSCALL, SYS_IO_URING_REGISTER, ring, operation, argument.address(), count, 0, 0);
    }

    /**
     * io_uring_enter(2): how many submissions the kernel took.
     *
     * @param argument an address, or 0
     */
    public long enter(int ring, int submissions, int completions, int flags, long argument, int argumentBytes) {
        return call(SYSCALL, SYS_IO_URING_ENTER, ring, submissions, completions, flags, argument, argumentBytes);
    }

    /** mmap(2) of a ring's shared memory, valid until {@link #unmap}. */
    public MemorySegment mapShared(int ring, long bytes, long offset) {
        return map(bytes, MAP_SHARED_POPULATE, ring, offset);
    }

    /** mmap(2) of memory of our own, valid until {@link #unmap}. */
    public MemorySegment mapAnonymous(long bytes) {
        return map(bytes, MAP_PRIVATE_ANONYMOUS, NO_FILE, 0);
    }

    /** Anonymous memory that takes no pages until it is written, and is unmapped when it is not referenced any more. */
    @SuppressWarnings("restricted") // as long as it is referred to
    static MemorySegment lazyMemory(long bytes) {
        MemorySegment mapped = new RingCalls().map(bytes, MAP_PRIVATE_ANONYMOUS, NO_FILE, 0);
        if (mapped.equals(MemorySegment.NULL)) {
            throw new OutOfMemoryError("mmap of " + bytes + " bytes");
        }
        return MemorySegment.ofAddress(mapped.address()).reinterpret(bytes, Arena.ofAuto(),
                segment -> new RingCalls().unmap(segment));
    }

    /** munmap(2). */
    public void unmap(MemorySegment mapped) {
        call(MUNMAP, mapped.address(), mapped.byteSize(), 0, 0, 0, 0, 0);
    }

    /** Why the last call failed: errno(3). */
    public int errno() {
        return Libc.errno(state);
    }

    @SuppressWarnings("restricted") // as long as it is mapped
    private MemorySegment map(long bytes, int flags, int file, long offset) {
        long address = call(MMAP, 0, bytes, PROT_READ_WRITE, flags, file, offset, 0);
        return address == -1 ? MemorySegment.NULL : MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** All functions take integers and addresses, a word each, and ignore the words beyond their own. */
    private long call(MethodHandle function, long a, long b, long c, long d, long e, long f, long g) {
        try {
            return (long) function.invokeExact(state, a, b, c, d, e, f, g);
        } catch (Throwable t) {
            throw Libc.cannotBeCalled(t);
        }
    }
}
