package io.sluice.uring;

import io.sluice.linux.RingCalls;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/** The completion queue of a ring. Entries (CQEs) have numbers, which go on from one to the next and overflow. */
final class CompletionQueue {

    private static final int CQE_BYTES = 16;
    private static final long OFF_CQ_RING = 0x8000000L;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final VarHandle INT_AT = INT.varHandle();

    /** A power of two, to which the kernel would round it up. */
    private final int entries;
    private final int mask;
    private MemorySegment ring = MemorySegment.NULL;
    private long headAt;
    private long tailAt;
    private long cqesAt;

    CompletionQueue(int entries) {
        this.entries = entries;
        this.mask = entries - 1;
    }

    int entries() {
        return entries;
    }

    /** @param params struct io_uring_params, as the kernel has filled it */
    void map(RingCalls calls, int fd, MemorySegment params) {
        cqesAt = Integer.toUnsignedLong(params.get(INT, 80 + 20));
        ring = RingSetup.mapped(calls.mapShared(fd, cqesAt + (long) CQE_BYTES * entries, OFF_CQ_RING), calls);
        headAt = params.get(INT, 80);
        tailAt = params.get(INT, 80 + 4);
    }

    /** The number of the next entry: the kernel has written those before it. */
    int tail() {
        return (int) INT_AT.getAcquire(ring, tailAt);
    }

    /** The {@code user_data} of the submission. */
    long userData(int cqe) {
        return ring.get(LONG, offset(cqe));
    }

    /** The result that the system call would have returned; an error as its negative number. */
    int result(int cqe) {
        return ring.get(INT, offset(cqe) + 8);
    }

    /** {@link Ring#CQE_F_BUFFER}, {@link Ring#CQE_F_MORE}, {@link Ring#CQE_F_SOCK_NONEMPTY}. */
    int flags(int cqe) {
        return ring.get(INT, offset(cqe) + 12);
    }

    /** Marks the entries before {@code cqe} as consumed: the kernel may overwrite them. */
    void advance(int cqe) {
        INT_AT.setRelease(ring, headAt, cqe);
    }

    private long offset(int cqe) {
        return cqesAt + (long) (cqe & mask) * CQE_BYTES;
    }

    void unmap(RingCalls calls) {
        RingSetup.unmap(ring, calls);
    }
}
