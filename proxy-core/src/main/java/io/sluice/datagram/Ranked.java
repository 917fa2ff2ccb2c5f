package io.sluice.datagram;

import org.jspecify.annotations.Nullable;

/** A client or Service with its number of flows that may give way; a {@link Ranking} finds the one with most of them. */
abstract class Ranked {

    @Nullable
    Rank rank;
    @Nullable
    Ranked before;
    @Nullable
    Ranked after;

    /** All entries with the same number. */
    static final class Rank {
        final int number;
        @Nullable
        Rank lower;
        @Nullable
        Rank higher;
        @Nullable
        Ranked first;

        Rank(int number) {
            this.number = number;
        }
    }
}
