package io.sluice.source.kubernetes;

import java.time.Duration;

/**
 * Whether a list that is well formed is believed. One that goes back to an older version than was seen, or that has
 * nothing where there was something, may come from a server that has just been started or restored: what is new in it
 * counts, but nothing is deleted before the server has kept saying so for {@link #DOUBT}. Pure: times are passed in, in
 * nanoseconds of {@link System#nanoTime}. Not thread-safe.
 */
final class ListTrust {

    /** How long a server must have kept to a doubtful list before it is believed. */
    static final Duration DOUBT = Duration.ofSeconds(20);

    /** What to do with a list. */
    enum Verdict {
        /** It is the truth: what it does not have is gone. */
        BELIEVED,
        /** From now on the server is doubted; what the list has may be taken, nothing is deleted. */
        DOUBTED,
        /** The server is doubted already, and has to keep to it for longer; anew if it has fewer objects than before. */
        STILL_DOUBTED,
        /** The server has kept to it for long enough. */
        BELIEVED_IN_THE_END
    }

    private boolean doubted;
    private long doubtedSince;
    /** How many objects the last doubted list had; negative to begin the time anew. */
    private int doubtedCount;

    /**
     * A whole list has come at {@code now}.
     *
     * @param known        how many objects are known
     * @param knownVersion the version they are at; empty for none
     */
    Verdict judge(int listed, String version, int known, String knownVersion, long now) {
        if (!older(version, knownVersion) && (known == 0 || listed > 0)) {
            doubted = false;
            return Verdict.BELIEVED;
        }
        boolean first = !doubted;
        if (first || doubtedCount < 0 || listed < doubtedCount) {
            doubtedSince = now;
        }
        doubted = true;
        doubtedCount = listed;
        if (first) {
            return Verdict.DOUBTED;
        }
        if (now - doubtedSince < DOUBT.toNanos()) {
            return Verdict.STILL_DOUBTED;
        }
        doubted = false;
        return Verdict.BELIEVED_IN_THE_END;
    }

    /** The server has failed in between: it may have been started anew, and begins anew to keep to what it says. */
    void interrupted() {
        doubtedCount = -1;
    }

    /** Versions are numbers that grow (KEP-5504); any other text cannot be compared, and nothing is concluded from it. */
    static boolean older(String version, String than) {
        try {
            return !than.isEmpty()
                    && Long.compareUnsigned(Long.parseUnsignedLong(version), Long.parseUnsignedLong(than)) < 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
