package io.sluice.uring;

import io.netty.channel.unix.FileDescriptor;
import io.sluice.linux.Errno;
import io.sluice.linux.RingCalls;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An io_uring(7) from its setup to its end: the two queues and the buffers that it shares with the kernel.
 *
 * <p>The thread that opens it is the only one that may use it.
 */
final class RingSetup {

    // Constants of <linux/io_uring.h>.
    private static final int SETUP_CQSIZE = 1 << 3;
    private static final int SETUP_SINGLE_ISSUER = 1 << 12;
    private static final int SETUP_DEFER_TASKRUN = 1 << 13;
    private static final int NO_FILE = -1;

    private static final int EPERM = Errno.EPERM.number();
    private static final int EACCES = Errno.EACCES.number();

    private final Arena arena = Arena.ofAuto();
    private final RingCalls calls = new RingCalls();
    private int fd = NO_FILE;

    final SubmissionQueue submissions;
    final CompletionQueue completions;
    final ProvidedBuffers buffers = new ProvidedBuffers(arena);

    /**
     * @param submissions the entries of the submission queue
     * @param completions the entries of the completion queue; both are powers of two
     */
    RingSetup(int submissions, int completions) {
        this.submissions = new SubmissionQueue(calls, arena, submissions);
        this.completions = new CompletionQueue(completions);
    }

    /** Why this kernel does not permit a ring, empty if it does. */
    static String problem() {
        RingSetup trial = new RingSetup(8, 16);
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
     * Sets it up.
     *
     * @throws IllegalStateException if the kernel refuses; {@link #close} has to be called then too
     */
    void open() {
        MemorySegment params = create();
        submissions.map(fd, params);
        completions.map(calls, fd, params);
        buffers.register(calls, fd, arena);
    }

    /** io_uring_setup(2) alone: a descriptor whose memory is not mapped yet. */
    MemorySegment create() {
        MemorySegment params = arena.allocate(120, Long.BYTES);
        params.set(ValueLayout.JAVA_INT, 4, completions.entries());
        params.set(ValueLayout.JAVA_INT, 8, SETUP_CQSIZE | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN);
        fd = calls.setup(submissions.entries(), params);
        if (fd < 0) {
            throw failed("io_uring_setup", calls);
        }
        return params;
    }

    /** Submits waiting operations, ends those in flight, and unmaps the memory; also after a failed {@link #open}. */
    void close() {
        try {
            if (fd >= 0) {
                if (submissions.isMapped()) {
                    submissions.submit();
                }
                new FileDescriptor(fd).close();
            }
        } catch (IOException e) {
            throw new IllegalStateException("a ring cannot be closed", e);
        }
        submissions.unmap();
        completions.unmap(calls);
        buffers.unmap(calls);
    }

    /** Checks and returns the memory that mmap(2) has mapped. */
    static MemorySegment mapped(MemorySegment memory, RingCalls calls) {
        if (memory.equals(MemorySegment.NULL)) {
            throw failed("mmap", calls);
        }
        return memory;
    }

    /** Unmaps the memory, if it is mapped. */
    static void unmap(MemorySegment memory, RingCalls calls) {
        if (memory.byteSize() > 0) {
            calls.unmap(memory);
        }
    }

    static IllegalStateException failed(String call, RingCalls calls) {
        return new IllegalStateException(call + ": errno " + calls.errno());
    }
}
