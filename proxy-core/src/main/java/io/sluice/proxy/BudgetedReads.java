package io.sluice.proxy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;

/** Netty's adaptive size of reads, which is small while the {@link BufferBudget} is short. */
final class BudgetedReads extends AdaptiveRecvByteBufAllocator {

    /** The smallest read, and so what a direction on NIO may hold beyond the budget. */
    static final int LEAST_BYTES = 2 * 1024;

    private final BufferBudget budget;

    BudgetedReads(BufferBudget budget) {
        this.budget = budget;
    }

    @Override
    public ExtendedHandle newHandle() {
        return new SmallWhenShort((RecvByteBufAllocator.ExtendedHandle) super.newHandle());
    }

    private final class SmallWhenShort extends RecvByteBufAllocator.DelegatingHandle
            implements RecvByteBufAllocator.ExtendedHandle {

        private final RecvByteBufAllocator.ExtendedHandle adaptive;

        SmallWhenShort(RecvByteBufAllocator.ExtendedHandle adaptive) {
            super(adaptive);
            this.adaptive = adaptive;
        }

        @Override
        public ByteBuf allocate(ByteBufAllocator allocator) {
            return budget.isShort() ? allocator.ioBuffer(guess()) : adaptive.allocate(allocator);
        }

        @Override
        public int guess() {
            return budget.isShort() ? LEAST_BYTES : adaptive.guess();
        }

        @Override
        public boolean continueReading(UncheckedBooleanSupplier maybeMoreDataSupplier) {
            return adaptive.continueReading(maybeMoreDataSupplier);
        }
    }
}
