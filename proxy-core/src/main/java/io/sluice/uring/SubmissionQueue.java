package io.sluice.uring;

import io.sluice.linux.Errno;
import io.sluice.linux.RingCalls;
import io.sluice.linux.SocketOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;

/**
 * The submission queue of a ring. An entry (SQE) has {@code user_data}, which the kernel copies to its completion;
 * {@link #NO_USER_DATA} is for entries whose completion is ignored.
 */
final class SubmissionQueue {

    /** {@code user_data} of an operation whose completion is not reported to a submitter. */
    static final long NO_USER_DATA = 0;

    private static final int SQE_BYTES = 64;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final VarHandle INT_AT = INT.varHandle();

    // Constants of <linux/io_uring.h>.
    private static final long OFF_SQ_RING = 0;
    private static final long OFF_SQES = 0x10000000L;
    private static final int ENTER_GETEVENTS = 1;
    private static final int ENTER_EXT_ARG = 8;
    private static final byte OP_POLL_ADD = 6;
    private static final byte OP_ASYNC_CANCEL = 14;
    private static final byte OP_CLOSE = 19;
    private static final byte OP_SEND = 26;
    private static final byte OP_RECV = 27;
    private static final byte BUFFER_SELECT = 1 << 5;
    private static final byte CQE_SKIP_SUCCESS = 1 << 6;
    private static final short RECVSEND_POLL_FIRST = 1;
    private static final int POLL_ADD_MULTI = 1;
    private static final int NO_FILE = -1;

    private static final int EINTR = Errno.EINTR.number();
    private static final int EAGAIN = Errno.EAGAIN.number();
    private static final int EBUSY = Errno.EBUSY.number();
    private static final int ETIME = Errno.ETIME.number();

    private final RingCalls calls;
    /** struct io_uring_getevents_arg, and behind it the timespec that it points to. */
    private final MemorySegment limit;
    /** A power of two, to which the kernel would round it up. */
    private final int entries;
    private final int mask;
    private int fd = NO_FILE;
    private MemorySegment ring = MemorySegment.NULL;
    private MemorySegment sqes = MemorySegment.NULL;
    private long tailAt;
    /** The numbers of entries that were written, and that the kernel has taken. */
    private int written;
    private int submitted;

    SubmissionQueue(RingCalls calls, Arena arena, int entries) {
        this.calls = calls;
        this.limit = arena.allocate(40, Long.BYTES);
        this.entries = entries;
        this.mask = entries - 1;
    }

    int entries() {
        return entries;
    }

    /** @param params struct io_uring_params, as the kernel has filled it */
    void map(int ringFd, MemorySegment params) {
        fd = ringFd;
        long arrayAt = Integer.toUnsignedLong(params.get(INT, 40 + 24));
        ring = RingSetup.mapped(calls.mapShared(fd, arrayAt + 4L * entries, OFF_SQ_RING), calls);
        sqes = RingSetup.mapped(calls.mapShared(fd, (long) SQE_BYTES * entries, OFF_SQES), calls);
        tailAt = params.get(INT, 40 + 4);
        for (int i = 0; i < entries; i++) {
            ring.set(INT, arrayAt + 4L * i, i);
        }
    }

    /** Receives into a provided buffer; {@code pollFirst} if the socket is known to have no bytes now. */
    void receive(long userData, int socket, boolean pollFirst) {
        long at = next(OP_RECV, socket, userData);
        sqes.set(BYTE, at + 1, BUFFER_SELECT);
        sqes.set(SHORT, at + 2, pollFirst ? RECVSEND_POLL_FIRST : 0);
        sqes.set(INT, at + 24, ProvidedBuffers.BUFFER_BYTES);
    }

    /** Sends as much as the kernel takes at once; completes with an entry only if that is not all. */
    void send(long userData, int socket, long address, int length) {
        long at = next(OP_SEND, socket, userData);
        sqes.set(BYTE, at + 1, CQE_SKIP_SUCCESS);
        sqes.set(LONG, at + 16, address);
        sqes.set(INT, at + 24, length);
        sqes.set(INT, at + 28, SocketOptions.MSG_DONTWAIT | SocketOptions.MSG_WAITALL | SocketOptions.MSG_NOSIGNAL);
    }

    /** Waits for {@code events}, an error or an end; with {@code multishot}, for all later ones as well. */
    void poll(long userData, int descriptor, int events, boolean multishot) {
        long at = next(OP_POLL_ADD, descriptor, userData);
        sqes.set(INT, at + 24, multishot ? POLL_ADD_MULTI : 0);
        sqes.set(INT, at + 28, events);
    }

    /**
     * Cancels the operation with this {@code user_data}. It could be found by its descriptor as well, but for that the
     * kernel looks at everything in flight: a millisecond for each connection that ends beside ten thousand listeners.
     */
    void cancel(long userData) {
        long at = next(OP_ASYNC_CANCEL, NO_FILE, NO_USER_DATA);
        sqes.set(BYTE, at + 1, CQE_SKIP_SUCCESS);
        sqes.set(LONG, at + 16, userData);
    }

    /** Closes a descriptor after the entries submitted before; an operation in flight keeps its socket open. */
    void closeDescriptor(int descriptor) {
        sqes.set(BYTE, next(OP_CLOSE, descriptor, NO_USER_DATA) + 1, CQE_SKIP_SUCCESS);
    }

    /** Writes an entry with these fields set and all others zero; returns its offset. */
    private long next(byte opcode, int descriptor, long userData) {
        if (written - submitted > mask) {
            submit();
        }
        long at = (long) (written & mask) * SQE_BYTES;
        sqes.set(LONG, at, Byte.toUnsignedLong(opcode) | (long) descriptor << 32);
        sqes.set(LONG, at + 8, 0);
        sqes.set(LONG, at + 16, 0);
        sqes.set(LONG, at + 24, 0);
        sqes.set(LONG, at + 32, userData);
        sqes.set(LONG, at + 40, 0);
        sqes.set(LONG, at + 48, 0);
        sqes.set(LONG, at + 56, 0);
        written++;
        return at;
    }

    /** Submits the written entries; operations that the kernel can do at once are done when this returns. */
    void submit() {
        submitAndWait(0, -1);
    }

    /** Submits, and waits for {@code completions}, {@code timeoutNanos} at the most, -1 for no limit. */
    void submitAndWait(int completions, long timeoutNanos) {
        boolean limited = completions > 0 && timeoutNanos >= 0;
        if (limited) {
            limit.set(LONG, 16, limit.address() + 24);
            limit.set(LONG, 24, timeoutNanos / 1_000_000_000);
            limit.set(LONG, 32, timeoutNanos % 1_000_000_000);
        }
        do {
            INT_AT.setRelease(ring, tailAt, written);
            long n = calls.enter(fd, written - submitted, completions,
                    ENTER_GETEVENTS | (limited ? ENTER_EXT_ARG : 0), limited ? limit.address() : 0, limited ? 24 : 0);
            if (n >= 0) {
                submitted += (int) n;
            } else {
                int errno = calls.errno();
                if (errno != EINTR && errno != EAGAIN && errno != EBUSY && errno != ETIME) {
                    throw RingSetup.failed("io_uring_enter", calls);
                }
            }
        } while (written != submitted);
    }

    /** Whether entries can be written: {@link #map} has succeeded. */
    boolean isMapped() {
        return sqes.byteSize() > 0;
    }

    void unmap() {
        RingSetup.unmap(ring, calls);
        RingSetup.unmap(sqes, calls);
    }
}
