package io.sluice.datagram;

import io.sluice.datagram.Ranked.Rank;
import org.jspecify.annotations.Nullable;

/** Finds the entry with the highest number. A number changes by one at a time, so each step takes constant time. */
final class Ranking {

    private @Nullable Rank highest;
    private @Nullable Rank lowest;

    /** An entry with the highest number; null if all numbers are 0. */
    @Nullable
    Ranked most() {
        return highest == null ? null : highest.first;
    }

    static int number(Ranked of) {
        return of.rank == null ? 0 : of.rank.number;
    }

    void raise(Ranked one) {
        Rank from = one.rank;
        int number = number(one) + 1;
        Rank next = from == null ? lowest : from.higher;
        Rank to = next != null && next.number == number ? next : insert(number, from, next);
        move(one, from, to);
    }

    void lower(Ranked one) {
        Rank from = one.rank;
        if (from == null) {
            throw new IllegalStateException("it has none");
        }
        int number = from.number - 1;
        Rank next = from.lower;
        Rank to = number == 0 ? null : next != null && next.number == number ? next : insert(number, next, from);
        move(one, from, to);
    }

    private Rank insert(int number, @Nullable Rank lower, @Nullable Rank higher) {
        Rank made = new Rank(number);
        made.lower = lower;
        made.higher = higher;
        if (lower == null) {
            lowest = made;
        } else {
            lower.higher = made;
        }
        if (higher == null) {
            highest = made;
        } else {
            higher.lower = made;
        }
        return made;
    }

    private void move(Ranked one, @Nullable Rank from, @Nullable Rank to) {
        if (from != null) {
            leave(one, from);
        }
        one.rank = to;
        one.before = null;
        one.after = null;
        if (to != null) {
            one.after = to.first;
            if (to.first != null) {
                to.first.before = one;
            }
            to.first = one;
        }
    }

    private void leave(Ranked one, Rank from) {
        if (one.before == null) {
            from.first = one.after;
        } else {
            one.before.after = one.after;
        }
        if (one.after != null) {
            one.after.before = one.before;
        }
        if (from.first == null) {
            if (from.lower == null) {
                lowest = from.higher;
            } else {
                from.lower.higher = from.higher;
            }
            if (from.higher == null) {
                highest = from.lower;
            } else {
                from.higher.lower = from.lower;
            }
        }
    }
}
