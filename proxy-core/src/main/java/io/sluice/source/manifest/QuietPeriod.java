package io.sluice.source.manifest;

/**
 * How long a reload waits after an edit: until two looks at the files, {@value #QUIET_MILLIS} ms apart, have found the same,
 * and at most {@value #LONGEST_MILLIS} ms. An editor writes a file in several steps, and a checkout many files one after
 * the other; a file that is read between two of them would be half of one.
 *
 * <p>Pure: its user looks, waits and reads. One instance for each reload, for one thread.
 *
 * @param <F> what a look finds; two are equal if no file has changed between them
 */
final class QuietPeriod<F> {

    /** The time between two looks, and for which files must not change before they are read. */
    static final int QUIET_MILLIS = 100;
    /** After this time files are read even if they never stop changing, as a log among the manifests would not. */
    static final int LONGEST_MILLIS = 2_000;

    private F found;
    private int millis;

    /** The first look has found {@code first}. */
    QuietPeriod(F first) {
        found = first;
    }

    /** Whether the files have to be read now: another {@value #QUIET_MILLIS} ms have passed, a look has found {@code now}. */
    boolean isOver(F now) {
        boolean quiet = now.equals(found);
        found = now;
        millis += QUIET_MILLIS;
        return quiet || isLongest();
    }

    /**
     * Whether what was read may be used: a look after the read has found {@code after}. If not, files changed meanwhile, and
     * the wait goes on.
     */
    boolean isUsable(F after) {
        return after.equals(found) || isLongest();
    }

    private boolean isLongest() {
        return millis >= LONGEST_MILLIS;
    }
}
