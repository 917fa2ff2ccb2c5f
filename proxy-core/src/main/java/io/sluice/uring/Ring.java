package io.sluice.uring;

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
 * The I/O of one event loop by io_uring(7): the event loop writes operations to memory that it shares with the kernel, and
 * makes one system call in each round, which submits them and waits for completions. Sluice's own, and not Netty's, because
 * it allocates nothing for a receive or a send, and because a send that the kernel takes at once, as it does with nearly
 * all, needs no completion.
 *
 * <p>A receive takes a provided buffer when the socket has bytes to read, so that a waiting socket holds none. All methods
 * but {@link #wakeup} are called on the event loop, which is the only thread that may use the ring.
 */
public final class Ring implements IoHandler {

    /**
     * Of a completion's flags: the kernel took the provided buffer whose number is in the upper half (IORING_CQE_F_BUFFER).
     */
    public static final int CQE_F_BUFFER = 1;
    /** Of a completion's flags: more completions of the operation follow (IORING_CQE_F_MORE). */
    public static final int CQE_F_MORE = 2;
    /** Of a completion's flags: the socket had more bytes to read (IORING_CQE_F_SOCK_NONEMPTY). */
    public static final int CQE_F_SOCK_NONEMPTY = 4;

    /** The most that one receive reads. */
    public static final int BUFFER_BYTES = ProvidedBuffers.BUFFER_BYTES;

    /** Events of poll(2): the socket has bytes to read or a connection to accept. */
    public static final int POLLIN = 0x1;
    /** The socket has room to write, or its connection is established. */
    public static final int POLLOUT = 0x4;
    /** The socket has an error. */
    public static final int POLLERR = 0x8;
    /** Both directions have ended. */
    public static final int POLLHUP = 0x10;

    private static final int SUBMISSIONS = 1024;
    private static final int COMPLETIONS = 8192;

    /** How long an idle event loop leaves a send unaccounted for; a nearer timer costs more to set. */
    private static final long UNACCOUNTED_NANOS = 50_000_000;

    /** The kind of a send, whose submitter is notified by {@link Submitter#onSent} instead of a completion. */
    private static final int SEND = 0xff;

    private final ThreadAwareExecutor executor;
    private final RingSetup setup = new RingSetup(SUBMISSIONS, COMPLETIONS);
    private final SubmissionQueue submissions = setup.submissions;
    private final CompletionQueue completions = setup.completions;
    private final ProvidedBuffers buffers = setup.buffers;
    private final FileDescriptor wakeups = Native.newEventFd();
    private final AtomicBoolean asleep = new AtomicBoolean();
    /** The number of the next completion to handle. */
    private int head;

    /** The submitters by slot; the ring's own one is in slot 0 and in the free slots. */
    private Submitter[] submitters = new Submitter[1024];
    private final Deque<Integer> freeSlots = new ArrayDeque<>();
    private int slots = 1;
    /** The submitters of the sends that are not accounted for, in the order of the sends. */
    private Submitter[] sending = new Submitter[256];
    private int sends;
    private final List<Submitter> awaitingBuffers = new ArrayList<>();
    private final List<Submitter> resuming = new ArrayList<>();
    private boolean doNotBlock;

    /** @param executor the event loop */
    public Ring(ThreadAwareExecutor executor) {
        this.executor = executor;
        Submitter own = new Wakeups();
        own.slot = 0;
        submitters[0] = own;
    }

    /**
     * Requires that this kernel permits a ring; tries to set one up once.
     *
     * @throws UnsupportedOperationException if not; the message says why
     */
    public static void require() {
        if (!Kernel.PROBLEM.isEmpty()) {
            throw new UnsupportedOperationException(Kernel.PROBLEM);
        }
    }

    private static final class Kernel {

        static final String PROBLEM = RingSetup.problem();
    }

    @Override
    public void initialize() {
        setup.open();
        pollWakeups();
    }

    // For submitters.

    /** Gives {@code submitter} a slot, so that it may submit, until {@link #close}. */
    public void register(Submitter submitter) {
        Integer slot = freeSlots.poll();
        if (slot == null) {
            slot = slots++;
            if (slot == submitters.length) {
                submitters = Arrays.copyOf(submitters, 2 * submitters.length);
            }
        }
        submitter.slot = slot;
        submitters[slot] = submitter;
    }

    /** Receives a socket's bytes into a provided buffer; {@code pollFirst} if it is known to have none now. */
    public void receive(Submitter submitter, int kind, int socket, boolean pollFirst) {
        submissions.receive(start(submitter, kind), socket, pollFirst);
    }

    /** Sends from {@code address} with the next submission; the bytes must stay there until {@link Submitter#onSent}. */
    public void send(Submitter submitter, int socket, long address, int length) {
        submitter.inFlight++;
        submissions.send(userData(submitter, SEND), socket, address, length);
        if (sends == sending.length) {
            sending = Arrays.copyOf(sending, 2 * sends);
        }
        sending[sends++] = submitter;
    }

    /**
     * Waits for {@code events} (poll(2)), or for an error or an end, which the kernel always reports.
     *
     * @param multishot whether each later event completes it again; the kernel reports the present state once
     */
    public void poll(Submitter submitter, int kind, int descriptor, int events, boolean multishot) {
        submissions.poll(start(submitter, kind), descriptor, events, multishot);
    }

    /** Cancels an operation; it still completes, with ECANCELED unless it was done before. */
    public void cancel(Submitter submitter, int kind) {
        submissions.cancel(userData(submitter, kind));
    }

    private static long start(Submitter submitter, int kind) {
        submitter.inFlight++;
        submitter.kindsInFlight |= 1 << kind;
        return userData(submitter, kind);
    }

    private static long userData(Submitter submitter, int kind) {
        return (long) submitter.slot << 8 | kind;
    }

    /**
     * A receive ended with ENOBUFS: calls {@link Submitter#onBuffersAvailable} when provided buffers are available again.
     */
    public void awaitBuffers(Submitter submitter) {
        awaitingBuffers.add(submitter);
        doNotBlock = true;
    }

    /** Do not block before this round's sends are accounted for. */
    public void doNotBlock() {
        doNotBlock = true;
    }

    /**
     * Closes the descriptor after the operations submitted before, and cancels those in flight. Also for a submitter that
     * was never registered.
     */
    public void close(Submitter submitter, int descriptor) {
        for (int rest = submitter.kindsInFlight; rest != 0; rest &= rest - 1) {
            submissions.cancel(userData(submitter, Integer.numberOfTrailingZeros(rest)));
        }
        submissions.closeDescriptor(descriptor);
        submitter.closed = true;
        freeSlot(submitter);
    }

    /** Submits the written operations, such as the closing of a descriptor, without waiting for the event loop. */
    public void submit() {
        submissions.submit();
    }

    /** The most slots that were in use at once. */
    int slots() {
        return slots;
    }

    /** The address of a provided buffer. */
    public long address(int buffer) {
        return buffers.address(buffer);
    }

    /** The first {@code length} bytes of a provided buffer. */
    public ByteBuffer bytes(int buffer, int length) {
        return buffers.bytes(buffer, length);
    }

    /** Gives a provided buffer back to the kernel. */
    public void recycle(int buffer) {
        buffers.recycle(buffer);
    }

    // For the event loop.

    @Override
    public int run(IoHandlerContext context) {
        int submittedSends = sends;
        boolean wait = false;
        if (!doNotBlock && context.canBlock()) {
            asleep.set(true);
            // A thread that added a task before that did not see the event loop asleep, and has not woken it.
            wait = context.canBlock();
        }
        long timeoutNanos = -1;
        if (wait) {
            timeoutNanos = context.deadlineNanos() == -1 ? -1 : Math.max(0, context.delayNanos(System.nanoTime()));
            if (submittedSends > 0) {
                timeoutNanos = timeoutNanos < 0 ? UNACCOUNTED_NANOS : Math.min(timeoutNanos, UNACCOUNTED_NANOS);
            }
        }
        doNotBlock = false;
        submissions.submitAndWait(wait ? 1 : 0, timeoutNanos);
        asleep.set(false);
        int tail = completions.tail();
        int events = tail - head;
        accountForSends(tail, submittedSends);
        resumeReceives();
        while (head != tail) {
            long userData = completions.userData(head);
            int result = completions.result(head);
            int flags = completions.flags(head);
            completions.advance(++head);
            int kind = (int) userData & 0xff;
            if (userData != SubmissionQueue.NO_USER_DATA && kind != SEND) {
                Submitter submitter = submitters[(int) (userData >>> 8)];
                if ((flags & CQE_F_MORE) == 0) {
                    submitter.inFlight--;
                    submitter.kindsInFlight &= ~(1 << kind);
                }
                try {
                    submitter.onCompletion(kind, result, flags);
                } catch (RuntimeException | Error e) {
                    submitter.onFault(e);
                }
                freeSlot(submitter);
            }
        }
        return events;
    }

    /**
     * Accounts for submitted sends, which are all done; only those that the kernel took in part or not have a completion.
     */
    private void accountForSends(int tail, int submittedSends) {
        if (submittedSends == 0) {
            return;
        }
        for (int i = head; i != tail; i++) {
            long userData = completions.userData(i);
            if (((int) userData & 0xff) == SEND) {
                submitters[(int) (userData >>> 8)].onShortSend(completions.result(i));
            }
        }
        for (int i = 0; i < submittedSends; i++) {
            Submitter submitter = sending[i];
            submitter.inFlight--;
            try {
                submitter.onSent();
            } catch (RuntimeException | Error e) {
                submitter.onFault(e);
            }
            freeSlot(submitter);
        }
        sends -= submittedSends;
        System.arraycopy(sending, submittedSends, sending, 0, sends);
        Arrays.fill(sending, sends, sends + submittedSends, submitters[0]);
    }

    /** Notifies waiting submitters: all buffers that were in use when the last round ended are recycled. */
    private void resumeReceives() {
        if (!awaitingBuffers.isEmpty()) {
            resuming.addAll(awaitingBuffers);
            awaitingBuffers.clear();
            resuming.forEach(Ring::resumeReceive);
            resuming.clear();
        }
    }

    private static void resumeReceive(Submitter submitter) {
        try {
            submitter.onBuffersAvailable();
        } catch (RuntimeException | Error e) {
            submitter.onFault(e);
        }
    }

    private void freeSlot(Submitter submitter) {
        if (submitter.closed && submitter.inFlight == 0 && submitter.slot != Submitter.NO_SLOT) {
            freeSlots.push(submitter.slot);
            submitters[submitter.slot] = submitters[0];
            submitter.slot = Submitter.NO_SLOT;
        }
    }

    @Override
    public void wakeup() {
        if (!executor.isExecutorThread(Thread.currentThread()) && asleep.getAndSet(false)) {
            Native.eventFdWrite(wakeups.intValue(), 1L);
        }
    }

    /** Polls the eventfd: each write to it completes the poll again, so the event loop need not read its count. */
    private void pollWakeups() {
        poll(submitters[0], 1, wakeups.intValue(), POLLIN, true);
    }

    /** The ring's own submitter, in slot 0, which no other submitter gets. */
    private final class Wakeups extends Submitter {

        @Override
        protected void onCompletion(int kind, int result, int flags) {
            if ((flags & CQE_F_MORE) == 0) {
                pollWakeups();
            }
        }

        @Override
        protected void onFault(Throwable fault) {
            throw new IllegalStateException("the event loop cannot be woken any more", fault);
        }
    }

    @Override
    public void destroy() {
        setup.close();
        try {
            wakeups.close();
        } catch (IOException e) {
            throw new IllegalStateException("an eventfd cannot be closed", e);
        }
    }

    /** Sockets submit to the ring themselves: {@link #register(Submitter)}. */
    @Override
    public IoRegistration register(IoHandle handle) {
        throw new UnsupportedOperationException("a ring has no handles");
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
        return false;
    }
}
