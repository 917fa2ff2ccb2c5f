package io.sluice.proxy;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.Native;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.ImmediateEventExecutor;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The I/O of one event loop by io_uring(7): what is to be done is written to memory that is shared with the kernel, and one
 * system call for each round of the event loop hands it over and waits for answers. Sluice's own, and not Netty's,
 * because nothing is allocated for a read or a write, and because a write that the kernel takes at once, as nearly all
 * are, needs no answer.
 *
 * <p>Reads take a buffer of the ring's when there is something to read, so that who waits holds none. Everything but
 * {@link #wakeup} is called on the event loop, which is the only thread that may use the ring.
 */
final class Ring implements IoHandler {

    /** Who asks something of the ring and is told the answer. */
    abstract static class Asker {

        private int place = NOWHERE;
        /** Answers that are to come, and writes that may fail. */
        private int asked;
        private boolean left;

        /**
         * What became of something that was asked for.
         *
         * @param what   as it was asked
         * @param result what the system call would have returned, an error as its negative number
         * @param flags  {@link #MORE}, {@link #BUFFER}, {@link #NOT_EMPTY}; the number of the buffer is in the upper half
         */
        abstract void answered(int what, int result, int flags);

        /** The kernel took less of a write than there was, or nothing: {@code result} as write(2) would return it. */
        void refused(int result) {
            throw new IllegalStateException("nothing was sent");
        }

        /** The write is over: taken as a whole, unless it was {@link #refused} before. */
        void sent() {
            throw new IllegalStateException("nothing was sent");
        }

        /** There are buffers again. */
        void fed() {
            throw new IllegalStateException("nothing was read");
        }
    }

    /** More answers follow. */
    static final int MORE = 2;
    /** A buffer was taken. */
    static final int BUFFER = 1;
    /** There was more to read. */
    static final int NOT_EMPTY = 4;

    static final int POLLIN = 0x1;
    static final int POLLOUT = 0x4;
    static final int POLLERR = 0x8;
    static final int POLLHUP = 0x10;

    /** The most that is read at once. */
    static final int BUFFER_BYTES = 16 * 1024;

    private static final int BUFFERS = 128;
    private static final int REQUESTS = 1024;
    private static final int ANSWERS = 8192;
    private static final int REQUEST_BYTES = 64;
    private static final int ANSWER_BYTES = 16;

    /** So long an event loop with nothing to do leaves a write uncounted that was taken; a nearer timer costs more to set. */
    private static final long UNCOUNTED_NANOS = 50_000_000;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
    private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
    private static final VarHandle INT_AT = INT.varHandle();
    private static final VarHandle SHORT_AT = SHORT.varHandle();

    private static final StructLayout STATE = Linker.Option.captureStateLayout();
    private static final VarHandle ERRNO = STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
    private static final MethodHandle SYSCALL = function("syscall");
    private static final MethodHandle MMAP = function("mmap");
    private static final MethodHandle MUNMAP = function("munmap");

    // Numbers that x86-64 and arm64 share, and constants of <linux/io_uring.h>.
    private static final long SYS_IO_URING_SETUP = 425;
    private static final long SYS_IO_URING_ENTER = 426;
    private static final long SYS_IO_URING_REGISTER = 427;
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
    private static final int CANCEL_ALL_OF_DESCRIPTOR = 1 | 2;
    private static final int MSG_DONTWAIT = 0x40;
    private static final int MSG_WAITALL = 0x100;
    private static final int MSG_NOSIGNAL = 0x4000;
    private static final int PROT_READ_WRITE = 3;
    private static final int MAP_SHARED_POPULATE = 0x1 | 0x8000;

    private static final int EPERM = 1;
    private static final int EINTR = 4;
    private static final int EAGAIN = 11;
    private static final int EACCES = 13;
    private static final int EBUSY = 16;
    private static final int ETIME = 62;

    /** Where an asker is that has not entered, or has left. */
    private static final int NOWHERE = -1;
    /** What nobody wants to know the answer of. */
    private static final long NOBODY = 0;
    /** An asker's number for a write, of which it learns by {@link Asker#sent} instead. */
    private static final int SEND = 0xff;

    private final ThreadAwareExecutor executor;
    private final Arena arena = Arena.ofAuto();
    private final MemorySegment state = arena.allocate(STATE);
    private final FileDescriptor wakeups = Native.newEventFd();
    private final AtomicBoolean asleep = new AtomicBoolean();
    /** struct io_uring_getevents_arg, and behind it the timespec that it points to. */
    private final MemorySegment waiting = arena.allocate(40, Long.BYTES);

    /** Powers of two, as the kernel would make of them. */
    private final int requestCount;
    private final int answerCount;
    private int fd = -1;
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
    private int answerHead;

    private final MemorySegment buffers = arena.allocate((long) BUFFERS * BUFFER_BYTES, 4096);
    private final ByteBuffer bufferBytes = buffers.asByteBuffer();
    private final MemorySegment bufferRing = arena.allocate((long) BUFFERS * ANSWER_BYTES, 4096);
    private short bufferTail;

    private Asker[] askers = new Asker[1024];
    private final Deque<Integer> free = new ArrayDeque<>();
    private int places = 1;
    private Asker[] sending = new Asker[256];
    private int sendings;
    private final List<Asker> starving = new ArrayList<>();
    private final List<Asker> resuming = new ArrayList<>();
    private boolean hurry;

    Ring(ThreadAwareExecutor executor) {
        this(executor, REQUESTS, ANSWERS);
    }

    private Ring(ThreadAwareExecutor executor, int requestCount, int answerCount) {
        this.executor = executor;
        this.requestCount = requestCount;
        this.answerCount = answerCount;
        Asker own = new Wakeups();
        own.place = 0;
        askers[0] = own;
    }

    /**
     * Whether this kernel lets us have one; tries it once.
     *
     * @throws UnsupportedOperationException if not; the message says why
     */
    static void require() {
        if (!Kernel.PROBLEM.isEmpty()) {
            throw new UnsupportedOperationException(Kernel.PROBLEM);
        }
    }

    private static final class Kernel {

        static final String PROBLEM = problem();

        private static String problem() {
            Ring trial = new Ring(ImmediateEventExecutor.INSTANCE, 8, 16);
            try {
                trial.initialize();
                return "";
            } catch (IllegalStateException e) {
                return trial.errno() == EPERM || trial.errno() == EACCES
                        ? "the kernel does not permit it (kernel.io_uring_disabled, or a seccomp profile)"
                        : "it needs Linux 6.1 or newer (" + e.getMessage() + ")";
            } finally {
                trial.destroy();
            }
        }
    }

    @Override
    public void initialize() {
        MemorySegment params = arena.allocate(120, Long.BYTES);
        params.set(INT, 4, answerCount);
        params.set(INT, 8, SETUP_CQSIZE | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN);
        fd = (int) call(SYSCALL, state, SYS_IO_URING_SETUP, requestCount, params.address(), 0, 0, 0, 0);
        if (fd < 0) {
            throw failed("io_uring_setup");
        }
        long arrayAt = Integer.toUnsignedLong(params.get(INT, 40 + 24));
        answersAt = Integer.toUnsignedLong(params.get(INT, 80 + 20));
        requestRing = map(arrayAt + 4L * requestCount, OFF_SQ_RING);
        answerRing = map(answersAt + (long) ANSWER_BYTES * answerCount, OFF_CQ_RING);
        requests = map((long) REQUEST_BYTES * requestCount, OFF_SQES);
        requestTailAt = params.get(INT, 40 + 4);
        requestMask = requestCount - 1;
        answerHeadAt = params.get(INT, 80);
        answerTailAt = params.get(INT, 80 + 4);
        answerMask = answerCount - 1;
        for (int i = 0; i < requestCount; i++) {
            requestRing.set(INT, arrayAt + 4L * i, i);
        }
        MemorySegment registration = arena.allocate(40, Long.BYTES);
        registration.set(LONG, 0, bufferRing.address());
        registration.set(INT, 8, BUFFERS);
        if (call(SYSCALL, state, SYS_IO_URING_REGISTER, fd, REGISTER_PBUF_RING, registration.address(), 1, 0, 0) < 0) {
            throw failed("io_uring_register");
        }
        for (int i = 0; i < BUFFERS; i++) {
            giveBack(i);
        }
        askForWakeup();
    }

    private MemorySegment map(long bytes, long offset) {
        long address = call(MMAP, state, 0, bytes, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset, 0);
        if (address == -1) {
            throw failed("mmap");
        }
        return at(address, bytes);
    }

    // What an asker does.

    /** Lets {@code asker} ask; until {@link #close}. */
    void enter(Asker asker) {
        Integer place = free.poll();
        if (place == null) {
            place = places++;
            if (place == askers.length) {
                askers = Arrays.copyOf(askers, 2 * askers.length);
            }
        }
        asker.place = place;
        askers[place] = asker;
    }

    /** Asks for what a socket has; {@code wait} if it is known to have nothing now. */
    void receive(Asker asker, int what, int socket, boolean wait) {
        long at = request(OP_RECV, socket, asker, what);
        requests.set(BYTE, at + 1, BUFFER_SELECT);
        requests.set(SHORT, at + 2, wait ? POLL_FIRST : 0);
        requests.set(INT, at + 24, BUFFER_BYTES);
    }

    /** Writes to a socket when the event loop comes round; what is there must stay until {@link Asker#sent}. */
    void send(Asker asker, int socket, long address, int length) {
        long at = request(OP_SEND, socket, asker, SEND);
        requests.set(BYTE, at + 1, SKIP_SUCCESS);
        requests.set(LONG, at + 16, address);
        requests.set(INT, at + 24, length);
        requests.set(INT, at + 28, MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL);
        if (sendings == sending.length) {
            sending = Arrays.copyOf(sending, 2 * sendings);
        }
        sending[sendings++] = asker;
    }

    /**
     * Asks to be told of {@code events} (poll(2)), and of an error or an end, which the kernel always tells.
     *
     * @param again whether also of all that follow; what is the case now is told once
     */
    void poll(Asker asker, int what, int descriptor, int events, boolean again) {
        long at = request(OP_POLL_ADD, descriptor, asker, what);
        requests.set(INT, at + 24, again ? POLL_ADD_MULTI : 0);
        requests.set(INT, at + 28, events);
    }

    /** The buffer was used up; {@code asker} is {@link Asker#fed} when there are more. */
    void starved(Asker asker) {
        starving.add(asker);
        hurry = true;
    }

    /** Nobody is to wait for the next event before the writes of this round are counted. */
    void hurry() {
        hurry = true;
    }

    /**
     * Closes the descriptor after what was asked before; what is still to come does not come. Also of an asker that never
     * entered.
     */
    void close(Asker asker, int descriptor) {
        if (asker.asked > 0) {
            long cancel = request(OP_ASYNC_CANCEL, descriptor, NOBODY);
            requests.set(BYTE, cancel + 1, SKIP_SUCCESS);
            requests.set(INT, cancel + 28, CANCEL_ALL_OF_DESCRIPTOR);
        }
        requests.set(BYTE, request(OP_CLOSE, descriptor, NOBODY) + 1, SKIP_SUCCESS);
        asker.left = true;
        free(asker);
    }

    /** Hands over what was asked, such as to close something, without waiting for the event loop. */
    void flush() {
        enter(0, -1);
    }

    /** How many places were needed for askers at once, those included that are free again. */
    int places() {
        return places;
    }

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

    // What the event loop does.

    @Override
    public int run(IoHandlerContext context) {
        int writes = sendings;
        boolean wait = false;
        if (!hurry && context.canBlock()) {
            asleep.set(true);
            // Whoever has given us work before that could not see that we sleep.
            wait = context.canBlock();
        }
        long timeout = -1;
        if (wait) {
            timeout = context.deadlineNanos() == -1 ? -1 : Math.max(0, context.delayNanos(System.nanoTime()));
            if (writes > 0) {
                timeout = timeout < 0 ? UNCOUNTED_NANOS : Math.min(timeout, UNCOUNTED_NANOS);
            }
        }
        hurry = false;
        enter(wait ? 1 : 0, timeout);
        asleep.set(false);
        int last = (int) INT_AT.getAcquire(answerRing, answerTailAt);
        int events = last - answerHead;
        settle(last, writes);
        feed();
        while (answerHead != last) {
            long at = answersAt + (long) (answerHead & answerMask) * ANSWER_BYTES;
            long data = answerRing.get(LONG, at);
            int result = answerRing.get(INT, at + 8);
            int flags = answerRing.get(INT, at + 12);
            answerHead++;
            INT_AT.setRelease(answerRing, answerHeadAt, answerHead);
            int what = (int) data & 0xff;
            if (data != NOBODY && what != SEND) {
                Asker asker = askers[(int) (data >>> 8)];
                if ((flags & MORE) == 0) {
                    asker.asked--;
                }
                asker.answered(what, result, flags);
                free(asker);
            }
        }
        return events;
    }

    /** All writes that were handed over are done; only of those that were not taken as a whole there is an answer. */
    private void settle(int last, int writes) {
        if (writes == 0) {
            return;
        }
        for (int i = answerHead; i != last; i++) {
            long at = answersAt + (long) (i & answerMask) * ANSWER_BYTES;
            long data = answerRing.get(LONG, at);
            if (((int) data & 0xff) == SEND) {
                askers[(int) (data >>> 8)].refused(answerRing.get(INT, at + 8));
            }
        }
        for (int i = 0; i < writes; i++) {
            Asker asker = sending[i];
            asker.asked--;
            asker.sent();
            free(asker);
        }
        sendings -= writes;
        System.arraycopy(sending, writes, sending, 0, sendings);
        Arrays.fill(sending, sendings, sendings + writes, askers[0]);
    }

    /** All buffers that were in use when the last round ended are back. */
    private void feed() {
        if (!starving.isEmpty()) {
            resuming.addAll(starving);
            starving.clear();
            resuming.forEach(Asker::fed);
            resuming.clear();
        }
    }

    private void free(Asker asker) {
        if (asker.left && asker.asked == 0 && asker.place != NOWHERE) {
            free.push(asker.place);
            askers[asker.place] = askers[0];
            asker.place = NOWHERE;
        }
    }

    private long request(byte operation, int descriptor, Asker asker, int what) {
        asker.asked++;
        return request(operation, descriptor, (long) asker.place << 8 | what);
    }

    /** Where the request is written that comes next. */
    private long request(byte operation, int descriptor, long data) {
        while (written - handedOver > requestMask) {
            enter(0, -1);
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

    /** Hands the requests over and waits for {@code answers}, {@code timeout} nanoseconds at the most, -1 for no limit. */
    private void enter(int answers, long timeout) {
        do {
            INT_AT.setRelease(requestRing, requestTailAt, written);
            boolean limited = answers > 0 && timeout >= 0;
            if (limited) {
                waiting.set(LONG, 16, waiting.address() + 24);
                waiting.set(LONG, 24, timeout / 1_000_000_000);
                waiting.set(LONG, 32, timeout % 1_000_000_000);
            }
            long n = call(SYSCALL, state, SYS_IO_URING_ENTER, fd, written - handedOver, answers,
                    ENTER_GETEVENTS | (limited ? ENTER_EXT_ARG : 0), limited ? waiting.address() : 0, limited ? 24 : 0);
            if (n >= 0) {
                handedOver += (int) n;
            } else {
                int errno = errno();
                if (errno != EINTR && errno != EAGAIN && errno != EBUSY && errno != ETIME) {
                    throw failed("io_uring_enter");
                }
            }
        } while (written != handedOver);
    }

    @Override
    public void wakeup() {
        if (!executor.isExecutorThread(Thread.currentThread()) && asleep.getAndSet(false)) {
            Native.eventFdWrite(wakeups.intValue(), 1L);
        }
    }

    /** Each write to the descriptor is told; its count is of no interest, so nobody reads it. */
    private void askForWakeup() {
        poll(askers[0], 1, wakeups.intValue(), POLLIN, true);
    }

    /** Has place 0, where no other asker is. */
    private final class Wakeups extends Asker {

        @Override
        void answered(int what, int result, int flags) {
            if ((flags & MORE) == 0) {
                askForWakeup();
            }
        }
    }

    @Override
    public void destroy() {
        try {
            if (fd >= 0) {
                enter(0, -1);
                new FileDescriptor(fd).close();
            }
            wakeups.close();
        } catch (IOException e) {
            throw new IllegalStateException("a ring cannot be closed", e);
        }
        for (MemorySegment mapped : List.of(requestRing, answerRing, requests)) {
            if (mapped.byteSize() > 0) {
                call(MUNMAP, state, mapped.address(), mapped.byteSize(), 0, 0, 0, 0, 0);
            }
        }
    }

    /** Sockets ask the ring themselves. */
    @Override
    public IoRegistration register(IoHandle handle) {
        throw new UnsupportedOperationException("a ring has no registrations");
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return false;
    }

    private IllegalStateException failed(String call) {
        return new IllegalStateException(call + ": errno " + errno());
    }

    private int errno() {
        return (int) ERRNO.get(state, 0L);
    }

    private static long call(MethodHandle function, MemorySegment state, long a, long b, long c, long d, long e, long f,
            long g) {
        try {
            return (long) function.invokeExact(state, a, b, c, d, e, f, g);
        } catch (Throwable t) {
            throw new IllegalStateException("the C library cannot be called", t);
        }
    }

    @SuppressWarnings("restricted") // as long as the kernel has mapped it: until destroy
    private static MemorySegment at(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    /** All take integers and addresses, a word each, and do not look at those beyond their own. */
    @SuppressWarnings("restricted")
    private static MethodHandle function(String name) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name),
                FunctionDescriptor.of(LONG, LONG, LONG, LONG, LONG, LONG, LONG, LONG),
                Linker.Option.captureCallState("errno"));
    }
}
