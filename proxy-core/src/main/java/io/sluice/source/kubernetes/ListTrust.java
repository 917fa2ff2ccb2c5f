package io.sluice.source.kubernetes;

import java.time.Duration;

/**
 * Whether a well-formed list is accepted. A list with an older version than the view, or an empty list while the view has
 * objects, may come from a server that was just started or restored: its objects are added, but nothing is deleted before the
 * server has sent the same for {@link #SUSPECT_LIST_GRACE}. Pure: times are passed in, in nanoseconds of
 * {@link System#nanoTime}. Not thread-safe.
 */
final class ListTrust {

    /** How long a server must have sent a suspect list before the list is accepted. */
    static final Duration SUSPECT_LIST_GRACE = Duration.ofSeconds(20);

    /** What to do with a list. */
    enum Verdict {
        /** The list is the state of the server: objects that it lacks are deleted. */
        ACCEPTED,
        /** The list is suspect from now on: its objects may be added, nothing is deleted. */
        SUSPECT_LIST,
        /** The list is still suspect; the grace begins again if it has fewer objects than before. */
        STILL_SUSPECT,
        /** The server has sent the list for the whole grace. */
        ACCEPTED_AFTER_GRACE
    }

    private boolean suspect;
    private long suspectSince;
    /** How many objects the last suspect list had; negative to begin the grace again. */
    private int suspectCount;

    /**
     * Decides about a complete list that has arrived at {@code now}.
     *
     * @param known        how many objects are known
     * @param knownVersion the version they are at; empty for none
     */
    Verdict judge(int listed, String version, int known, String knownVersion, long now) {
        if (!older(version, knownVersion) && (known == 0 || listed > 0)) {
            suspect = false;
            return Verdict.ACCEPTED;
        }
        boolean first = !suspect;
        if (first || suspectCount < 0 || listed < suspectCount) {
            suspectSince = now;
        }
        suspect = true;
        suspectCount = listed;
        if (first) {
            return Verdict.SUSPECT_LIST;
        }
        if (now - suspectSince < SUSPECT_LIST_GRACE.toNanos()) {
            return Verdict.STILL_SUSPECT;
        }
        suspect = false;
        return Verdict.ACCEPTED_AFTER_GRACE;
    }

    /** A request has failed in between: the server may have been restarted, and the grace begins again. */
    void interrupted() {
        suspectCount = -1;
    }

    /** Versions are numbers that grow (KEP-5504); any other text cannot be compared, and is not older. */
    static boolean older(String version, String than) {
        try {
            return !than.isEmpty()
                    && Long.compareUnsigned(Long.parseUnsignedLong(version), Long.parseUnsignedLong(than)) < 0;
        } catch (NumberFormatException e) {
            return false;
        }
    }
}
