package io.sluice.liveness;

/** The work of a watched thread. */
public enum ThreadKind {

    /** Moves bytes or answers DNS; without it some connections stand still. */
    EVENT_LOOP("event_loop", "event loop"),
    /** Applies changes; without it they are not applied. */
    CONTROL("control", "control thread"),
    /** Reads Services; without it no change is noticed. */
    SOURCE("source", "source");

    private final String label;
    private final String words;

    ThreadKind(String label, String words) {
        this.label = label;
        this.words = words;
    }

    /** For metrics. */
    public String label() {
        return label;
    }

    /** For log lines. */
    String words() {
        return words;
    }
}
