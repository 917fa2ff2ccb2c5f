package io.sluice.proxy;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.Native;
import io.netty.channel.unix.FileDescriptor;
import io.netty.util.concurrent.ThreadAwareExecutor;
import java.io.IOException;
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

    /** Who asks something of the ring and is told the answer: of one thing at a time, each with a number from 1 to 31. */
    abstract static class Asker {

        private int place = NOWHERE;
        /** Answers that are to come, and writes that may fail. */
        private int asked;
        /** What is still to be answered, a bit for each. */
        private int unanswered;
        private boolean left;

        /**
         * What became of something that was asked for.
         *
         * @param what   as it was asked
         * @param result what the system call would have returned, an error as its negative number
         * @param flags  {@link RingMemory#MORE}, {@link RingMemory#BUFFER}, {@link RingMemory#NOT_EMPTY}
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

        /** One of the others has thrown {@code fault}, which must not end the event loop's turn. */
        abstract void fault(Throwable fault);
    }

    static final int POLLIN = 0x1;
    static final int POLLOUT = 0x4;
    static final int POLLERR = 0x8;
    static final int POLLHUP = 0x10;

    private static final int REQUESTS = 1024;
    private static final int ANSWERS = 8192;

    /** So long an event loop with nothing to do leaves a write uncounted that was taken; a nearer timer costs more to set. */
    private static final long UNCOUNTED_NANOS = 50_000_000;

    /** Where an asker is that has not entered, or has left. */
    private static final int NOWHERE = -1;
    /** An asker's number for a write, of which it learns by {@link Asker#sent} instead. */
    private static final int SEND = 0xff;

    private final ThreadAwareExecutor executor;
    private final RingMemory memory = new RingMemory(REQUESTS, ANSWERS);
    private final FileDescriptor wakeups = Native.newEventFd();
    private final AtomicBoolean asleep = new AtomicBoolean();
    /** The number of the answer that is looked at next. */
    private int next;

    private Asker[] askers = new Asker[1024];
    private final Deque<Integer> free = new ArrayDeque<>();
    private int places = 1;
    private Asker[] sending = new Asker[256];
    private int sendings;
    private final List<Asker> starving = new ArrayList<>();
    private final List<Asker> resuming = new ArrayList<>();
    private boolean hurry;

    Ring(ThreadAwareExecutor executor) {
        this.executor = executor;
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

        static final String PROBLEM = RingMemory.problem();
    }

    @Override
    public void initialize() {
        memory.open();
        askForWakeup();
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
        memory.receive(ask(asker, what), socket, wait);
    }

    /** Writes to a socket when the event loop comes round; what is there must stay until {@link Asker#sent}. */
    void send(Asker asker, int socket, long address, int length) {
        asker.asked++;
        memory.send(data(asker, SEND), socket, address, length);
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
        memory.poll(ask(asker, what), descriptor, events, again);
    }

    /** Ends what {@code asker} has asked for; it is answered all the same, with ECANCELED unless it was done before. */
    void cancel(Asker asker, int what) {
        memory.cancel(data(asker, what));
    }

    private static long ask(Asker asker, int what) {
        asker.asked++;
        asker.unanswered |= 1 << what;
        return data(asker, what);
    }

    private static long data(Asker asker, int what) {
        return (long) asker.place << 8 | what;
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
        for (int rest = asker.unanswered; rest != 0; rest &= rest - 1) {
            memory.cancel(data(asker, Integer.numberOfTrailingZeros(rest)));
        }
        memory.closeDescriptor(descriptor);
        asker.left = true;
        free(asker);
    }

    /** Hands over what was asked, such as to close something, without waiting for the event loop. */
    void flush() {
        memory.handOver();
    }

    /** How many places were needed for askers at once, those included that are free again. */
    int places() {
        return places;
    }

    /** Where a buffer is in memory. */
    long address(int buffer) {
        return memory.address(buffer);
    }

    /** What is in the buffer. */
    ByteBuffer bytes(int buffer, int length) {
        return memory.bytes(buffer, length);
    }

    /** Ends the use of a buffer. */
    void giveBack(int buffer) {
        memory.giveBack(buffer);
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
        memory.handOver(wait ? 1 : 0, timeout);
        asleep.set(false);
        int end = memory.nextAnswer();
        int events = end - next;
        settle(end, writes);
        feed();
        while (next != end) {
            long data = memory.data(next);
            int result = memory.result(next);
            int flags = memory.flags(next);
            memory.answeredUntil(++next);
            int what = (int) data & 0xff;
            if (data != RingMemory.NOBODY && what != SEND) {
                Asker asker = askers[(int) (data >>> 8)];
                if ((flags & RingMemory.MORE) == 0) {
                    asker.asked--;
                    asker.unanswered &= ~(1 << what);
                }
                try {
                    asker.answered(what, result, flags);
                } catch (RuntimeException | Error e) {
                    asker.fault(e);
                }
                free(asker);
            }
        }
        return events;
    }

    /** All writes that were handed over are done; only of those that were not taken as a whole there is an answer. */
    private void settle(int end, int writes) {
        if (writes == 0) {
            return;
        }
        for (int i = next; i != end; i++) {
            long data = memory.data(i);
            if (((int) data & 0xff) == SEND) {
                askers[(int) (data >>> 8)].refused(memory.result(i)); // notes it, and no more
            }
        }
        for (int i = 0; i < writes; i++) {
            Asker asker = sending[i];
            asker.asked--;
            try {
                asker.sent();
            } catch (RuntimeException | Error e) {
                asker.fault(e);
            }
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
            resuming.forEach(Ring::feed);
            resuming.clear();
        }
    }

    private static void feed(Asker asker) {
        try {
            asker.fed();
        } catch (RuntimeException | Error e) {
            asker.fault(e);
        }
    }

    private void free(Asker asker) {
        if (asker.left && asker.asked == 0 && asker.place != NOWHERE) {
            free.push(asker.place);
            askers[asker.place] = askers[0];
            asker.place = NOWHERE;
        }
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
            if ((flags & RingMemory.MORE) == 0) {
                askForWakeup();
            }
        }

        @Override
        void fault(Throwable fault) {
            throw new IllegalStateException("the event loop cannot be woken any more", fault);
        }
    }

    @Override
    public void destroy() {
        memory.close();
        try {
            wakeups.close();
        } catch (IOException e) {
            throw new IllegalStateException("an eventfd cannot be closed", e);
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
}
