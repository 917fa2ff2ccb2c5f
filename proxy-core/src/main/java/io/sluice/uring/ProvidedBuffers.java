package io.sluice.uring;

import io.sluice.linux.RingCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;

/**
 * The provided buffers of a ring (io_uring_register_buf_ring(3)): the kernel takes one when a socket has bytes to read, and
 * the event loop owns it until it recycles it.
 */
final class ProvidedBuffers {

    /** The most that one receive reads. */
    static final int BUFFER_BYTES = 16 * 1024;

    private static final int BUFFERS = 128;
    private static final int ENTRY_BYTES = 16;
    private static final int REGISTER_PBUF_RING = 22;

    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT;
    private static final VarHandle SHORT_AT = SHORT.varHandle();

    /** Pages that were never used take no memory: an event loop without connections uses none for buffers. */
    private MemorySegment memory = MemorySegment.NULL;
    private ByteBuffer bytes = ByteBuffer.allocate(0);
    private final MemorySegment bufferRing;
    private short tail;

    ProvidedBuffers(Arena arena) {
        this.bufferRing = arena.allocate((long) BUFFERS * ENTRY_BYTES, 4096);
    }

    /** Gives the ring {@code fd} all buffers. */
    void register(RingCalls calls, int fd, Arena arena) {
        memory = RingSetup.mapped(calls.mapAnonymous((long) BUFFERS * BUFFER_BYTES), calls);
        bytes = memory.asByteBuffer();
        MemorySegment registration = arena.allocate(40, Long.BYTES);
        registration.set(LONG, 0, bufferRing.address());
        registration.set(INT, 8, BUFFERS);
        if (calls.register(fd, REGISTER_PBUF_RING, registration, 1) < 0) {
            throw RingSetup.failed("io_uring_register", calls);
        }
        for (int i = 0; i < BUFFERS; i++) {
            recycle(i);
        }
    }

    /** The address of a buffer. */
    long address(int buffer) {
        return memory.address() + (long) buffer * BUFFER_BYTES;
    }

    /** The first {@code length} bytes of a buffer. */
    ByteBuffer bytes(int buffer, int length) {
        return bytes.slice(buffer * BUFFER_BYTES, length);
    }

    /** Gives a buffer back to the kernel. */
    void recycle(int buffer) {
        long at = (long) (tail & BUFFERS - 1) * ENTRY_BYTES;
        bufferRing.set(LONG, at, address(buffer));
        bufferRing.set(INT, at + 8, BUFFER_BYTES);
        bufferRing.set(SHORT, at + 12, (short) buffer);
        tail++;
        SHORT_AT.setRelease(bufferRing, 14L, tail);
    }

    void unmap(RingCalls calls) {
        RingSetup.unmap(memory, calls);
    }
}
