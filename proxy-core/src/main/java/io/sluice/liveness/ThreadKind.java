package io.sluice.liveness;

/** What a watched thread does, and what it means that it makes no progress. */
public enum ThreadKind {

    /** Moves bytes or answers DNS; without it some connections stand still. A restart helps. */
    EVENT_LOOP("event_loop", "event loop", true),
    /** Applies changes; without it they are not applied. A restart helps. */
    CONTROL("control", "control thread", true),
    /**
     * Reads Services. A stall comes from where they are read: the last good state is served on, and a restart would lose
     * it and stall again.
     */
    SOURCE("source", "source", false);

    private final String label;
    private final String words;
    private final boolean restartHelps;

    ThreadKind(String label, String words, boolean restartHelps) {
        this.label = label;
        this.words = words;
        this.restartHelps = restartHelps;
    }

    /** For metrics. */
    public String label() {
        return label;
    }

    /** For log lines. */
    String words() {
        return words;
    }

    /** Whether a stall fails {@code /livez}, which makes a supervisor restart the process. */
    public boolean restartHelps() {
        return restartHelps;
    }
}
