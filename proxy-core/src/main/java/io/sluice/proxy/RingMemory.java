package io.sluice.proxy;

import io.netty.channel.unix.FileDescriptor;
import io.sluice.linux.Errno;
import io.sluice.linux.RingCalls;
import io.sluice.linux.SocketOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * What an io_uring(7) shares with the kernel: requests, answers, and the buffers that it takes for reads. A request is
 * known again by its {@code data}, which its answer has too; {@link #NOBODY} is for those whose answer is of no interest.
 *
 * <p>The thread that opens it is the only one that may use it.
 */
final class RingMemory {

    /** {@code data} of what nobody wants to know the answer of. */
    static final long NOBODY = 0;

    /** Of an answer's flags: a buffer was taken, whose number is in the upper half. */
    static final int BUFFER = 1;
    /** Of an answer's flags: more answers follow. */
    static final int MORE = 2;
    /** Of an answer's flags: there was more to read. */
    static final int NOT_EMPTY = 4;

    /** The most that is read at once. */
    static final int BUFFER_BYTES = 16 * 1024;

    private static final int BUFFERS = 128;
    private static final int REQUEST_BYTES = 64;
    private static final int ANSWER_BYTES = 16;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final VarHandle INT_AT = INT.varHandle();
    private static final VarHandle SHORT_AT = SHORT.varHandle();

    // Constants of <linux/io_uring.h>.
    private static final int SETUP_CQSIZE = 1 << 3;
    private static final int SETUP_SINGLE_ISSUER = 1 << 12;
    private static final int SETUP_DEFER_TASKRUN = 1 << 13;
    private static final long OFF_SQ_RING = 0;
    private static final long OFF_CQ_RING = 0x8000000L;
    private static final long OFF_SQES = 0x10000000L;
    private static final int ENTER_GETEVENTS = 1;
    private static final int ENTER_EXT_ARG = 8;
    private static final int REGISTER_PBUF_RING = 22;
    private static final byte OP_POLL_ADD = 6;
    private static final byte OP_ASYNC_CANCEL = 14;
    private static final byte OP_CLOSE = 19;
    private static final byte OP_SEND = 26;
    private static final byte OP_RECV = 27;
    private static final byte BUFFER_SELECT = 1 << 5;
    private static final byte SKIP_SUCCESS = 1 << 6;
    private static final short POLL_FIRST = 1;
    private static final int POLL_ADD_MULTI = 1;
    private static final int NO_FILE = -1;

    private static final int EPERM = Errno.EPERM.number();
    private static final int EINTR = Errno.EINTR.number();
    private static final int EAGAIN = Errno.EAGAIN.number();
    private static final int EACCES = Errno.EACCES.number();
    private static final int EBUSY = Errno.EBUSY.number();
    private static final int ETIME = Errno.ETIME.number();

    private final Arena arena = Arena.ofAuto();
    private final RingCalls calls = new RingCalls();
    /** struct io_uring_getevents_arg, and behind it the timespec that it points to. */
    private final MemorySegment limit = arena.allocate(40, Long.BYTES);

    /** Powers of two, as the kernel would make of them. */
    private final int requestCount;
    private final int answerCount;
    private int fd = NO_FILE;
    private MemorySegment requestRing = MemorySegment.NULL;
    private MemorySegment requests = MemorySegment.NULL;
    private MemorySegment answerRing = MemorySegment.NULL;
    private long requestTailAt;
    private int requestMask;
    private long answerHeadAt;
    private long answerTailAt;
    private long answersAt;
    private int answerMask;
    /** Requests that were written, and how many of them the kernel has. */
    private int written;
    private int handedOver;

    /** Pages that were never used are none: an event loop without connections has no memory for their buffers. */
    private MemorySegment buffers = MemorySegment.NULL;
    private ByteBuffer bufferBytes = ByteBuffer.allocate(0);
    private final MemorySegment bufferRing = arena.allocate((long) BUFFERS * ANSWER_BYTES, 4096);
    private short bufferTail;

    /** @param requests how many can be written before they are handed over; as {@code answers}, a power of two */
    RingMemory(int requests, int answers) {
        this.requestCount = requests;
        this.answerCount = answers;
    }

    /** Why this kernel does not let us have one, empty if it does. */
    static String problem() {
        RingMemory trial = new RingMemory(8, 16);
        try {
            trial.open();
            return "";
        } catch (IllegalStateException e) {
            return trial.calls.errno() == EPERM || trial.calls.errno() == EACCES
                    ? "the kernel does not permit it (kernel.io_uring_disabled, or a seccomp profile)"
                    : "it needs Linux 6.1 or newer (" + e.getMessage() + ")";
        } finally {
            trial.close();
        }
    }

    /**
     * Asks the kernel for it.
     *
     * @throws IllegalStateException if it refuses; {@link #close} is wanted then too
     */
    void open() {
        MemorySegment params = arena.allocate(120, Long.BYTES);
        params.set(INT, 4, answerCount);
        params.set(INT, 8, SETUP_CQSIZE | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN);
        fd = calls.setup(requestCount, params);
        if (fd < 0) {
            throw failed("io_uring_setup");
        }
        long arrayAt = Integer.toUnsignedLong(params.get(INT, 40 + 24));
        answersAt = Integer.toUnsignedLong(params.get(INT, 80 + 20));
        requestRing = shared(arrayAt + 4L * requestCount, OFF_SQ_RING);
        answerRing = shared(answersAt + (long) ANSWER_BYTES * answerCount, OFF_CQ_RING);
        requests = shared((long) REQUEST_BYTES * requestCount, OFF_SQES);
        requestTailAt = params.get(INT, 40 + 4);
        requestMask = requestCount - 1;
        answerHeadAt = params.get(INT, 80);
        answerTailAt = params.get(INT, 80 + 4);
        answerMask = answerCount - 1;
        for (int i = 0; i < requestCount; i++) {
            requestRing.set(INT, arrayAt + 4L * i, i);
        }
        buffers = mapped(calls.mapAnonymous((long) BUFFERS * BUFFER_BYTES));
        bufferBytes = buffers.asByteBuffer();
        MemorySegment registration = arena.allocate(40, Long.BYTES);
        registration.set(LONG, 0, bufferRing.address());
        registration.set(INT, 8, BUFFERS);
        if (calls.register(fd, REGISTER_PBUF_RING, registration, 1) < 0) {
            throw failed("io_uring_register");
        }
        for (int i = 0; i < BUFFERS; i++) {
            giveBack(i);
        }
    }

    private MemorySegment shared(long bytes, long offset) {
        return mapped(calls.mapShared(fd, bytes, offset));
    }

    private MemorySegment mapped(MemorySegment memory) {
        if (memory.equals(MemorySegment.NULL)) {
            throw failed("mmap");
        }
        return memory;
    }

    /** Hands over what is waiting, ends what takes longer, and gives the memory back. */
    void close() {
        try {
            if (fd >= 0) {
                handOver();
                new FileDescriptor(fd).close();
            }
        } catch (IOException e) {
            throw new IllegalStateException("a ring cannot be closed", e);
        }
        for (MemorySegment mapped : List.of(requestRing, answerRing, requests, buffers)) {
            if (mapped.byteSize() > 0) {
                calls.unmap(mapped);
            }
        }
    }

    // Requests.

    /** Reads what a socket has into a buffer; {@code wait} if it is known to have nothing now. */
    void receive(long data, int socket, boolean wait) {
        long at = request(OP_RECV, socket, data);
        requests.set(BYTE, at + 1, BUFFER_SELECT);
        requests.set(SHORT, at + 2, wait ? POLL_FIRST : 0);
        requests.set(INT, at + 24, BUFFER_BYTES);
    }

    /** Writes as much as is taken at once; answered only if that is not all. */
    void send(long data, int socket, long address, int length) {
        long at = request(OP_SEND, socket, data);
        requests.set(BYTE, at + 1, SKIP_SUCCESS);
        requests.set(LONG, at + 16, address);
        requests.set(INT, at + 24, length);
        requests.set(INT, at + 28, SocketOptions.MSG_DONTWAIT | SocketOptions.MSG_WAITALL | SocketOptions.MSG_NOSIGNAL);
    }

    /** Waits for {@code events}, an error or an end; {@code again} for also all that follow. */
    void poll(long data, int descriptor, int events, boolean again) {
        long at = request(OP_POLL_ADD, descriptor, data);
        requests.set(INT, at + 24, again ? POLL_ADD_MULTI : 0);
        requests.set(INT, at + 28, events);
    }

    /**
     * Ends what was asked with this {@code data}. By its descriptor it could be told as well, but for that the kernel looks
     * at everything that is asked: a millisecond for each connection that ends beside ten thousand listeners.
     */
    void cancel(long data) {
        long at = request(OP_ASYNC_CANCEL, NO_FILE, NOBODY);
        requests.set(BYTE, at + 1, SKIP_SUCCESS);
        requests.set(LONG, at + 16, data);
    }

    /** Closes a descriptor after what was asked before; what is still asked of it keeps its socket open. */
    void closeDescriptor(int descriptor) {
        requests.set(BYTE, request(OP_CLOSE, descriptor, NOBODY) + 1, SKIP_SUCCESS);
    }

    /** Where the request is written that comes next. */
    private long request(byte operation, int descriptor, long data) {
        if (written - handedOver > requestMask) {
            handOver();
        }
        long at = (long) (written & requestMask) * REQUEST_BYTES;
        requests.set(LONG, at, Byte.toUnsignedLong(operation) | (long) descriptor << 32);
        requests.set(LONG, at + 8, 0);
        requests.set(LONG, at + 16, 0);
        requests.set(LONG, at + 24, 0);
        requests.set(LONG, at + 32, data);
        requests.set(LONG, at + 40, 0);
        requests.set(LONG, at + 48, 0);
        requests.set(LONG, at + 56, 0);
        written++;
        return at;
    }

    /** Hands the requests over; those that can be done at once are done when this returns. */
    void handOver() {
        handOver(0, -1);
    }

    /** The same, and waits for {@code answers}, {@code timeout} nanoseconds at the most, -1 for no limit. */
    void handOver(int answers, long timeout) {
        boolean limited = answers > 0 && timeout >= 0;
        if (limited) {
            limit.set(LONG, 16, limit.address() + 24);
            limit.set(LONG, 24, timeout / 1_000_000_000);
            limit.set(LONG, 32, timeout % 1_000_000_000);
        }
        do {
            INT_AT.setRelease(requestRing, requestTailAt, written);
            long n = calls.enter(fd, written - handedOver, answers,
                    ENTER_GETEVENTS | (limited ? ENTER_EXT_ARG : 0), limited ? limit.address() : 0, limited ? 24 : 0);
            if (n >= 0) {
                handedOver += (int) n;
            } else {
                int errno = calls.errno();
                if (errno != EINTR && errno != EAGAIN && errno != EBUSY && errno != ETIME) {
                    throw failed("io_uring_enter");
                }
            }
        } while (written != handedOver);
    }

    // Answers. They have numbers, which go on from one to the next and overflow.

    /** The number of the answer that comes next: those before it are there. */
    int nextAnswer() {
        return (int) INT_AT.getAcquire(answerRing, answerTailAt);
    }

    /** What the request had. */
    long data(int answer) {
        return answerRing.get(LONG, place(answer));
    }

    /** What the system call would have returned, an error as its negative number. */
    int result(int answer) {
        return answerRing.get(INT, place(answer) + 8);
    }

    /** {@link #BUFFER}, {@link #MORE}, {@link #NOT_EMPTY}. */
    int flags(int answer) {
        return answerRing.get(INT, place(answer) + 12);
    }

    /** Answers before this one are not needed any more. */
    void answeredUntil(int answer) {
        INT_AT.setRelease(answerRing, answerHeadAt, answer);
    }

    private long place(int answer) {
        return answersAt + (long) (answer & answerMask) * ANSWER_BYTES;
    }

    // Buffers.

    /** Where a buffer is in memory. */
    long address(int buffer) {
        return buffers.address() + (long) buffer * BUFFER_BYTES;
    }

    /** What is in the buffer. */
    ByteBuffer bytes(int buffer, int length) {
        return bufferBytes.slice(buffer * BUFFER_BYTES, length);
    }

    /** Ends the use of a buffer. */
    void giveBack(int buffer) {
        long at = (long) (bufferTail & BUFFERS - 1) * ANSWER_BYTES;
        bufferRing.set(LONG, at, address(buffer));
        bufferRing.set(INT, at + 8, BUFFER_BYTES);
        bufferRing.set(SHORT, at + 12, (short) buffer);
        bufferTail++;
        SHORT_AT.setRelease(bufferRing, 14L, bufferTail);
    }

    private IllegalStateException failed(String call) {
        return new IllegalStateException(call + ": errno " + calls.errno());
    }
}
