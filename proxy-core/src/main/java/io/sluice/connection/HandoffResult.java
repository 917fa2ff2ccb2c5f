package io.sluice.connection;

/** How an attempt to hand a connection to the kernel has ended: it was handed over, or why it stays with the proxy. */
public enum HandoffResult {
    /** The kernel translates its packets from now on. */
    HANDED("handed", false),
    /** Something is under way or unread: another moment is better. */
    BUSY("busy", true),
    /** A byte came between; nothing has changed. */
    INTERRUPTED("interrupted", true),
    /** The kernel's table has no room, or has an entry in the way; nothing has changed. */
    NO_ENTRY("no-entry", true),
    /** One side has finished, or was reset. */
    ENDING("ending", false),
    /** A peer puts timestamps into its segments, of which nobody would translate the replies. */
    TIMESTAMPS("timestamps", false),
    /** The windows of one side mean something else to the other. */
    WINDOW_SCALES("window-scales", false),
    /** One side understands selective acknowledgements, the other does not. */
    SELECTIVE_ACKNOWLEDGEMENTS("selective-acknowledgements", false),
    /** One side understands congestion marks, the other does not. */
    CONGESTION_MARKS("congestion-marks", false),
    /** One side sends larger segments than the other takes. */
    SEGMENT_SIZES("segment-sizes", false),
    /** The kernel does not track the connection to the endpoint. */
    UNTRACKED("untracked", false),
    /** A peer is this machine, or the two have addresses of different families. */
    WAY("way", false),
    /** The client has a port from which this proxy connects in clients' names: a packet could meet another socket. */
    CLIENT_PORT("client-port", false);

    private final String label;
    private final boolean passing;

    HandoffResult(String label, boolean passing) {
        this.label = label;
        this.passing = passing;
    }

    /** The value of the metric's label. */
    public String label() {
        return label;
    }

    /** Whether the same connection may be handed over at another moment. */
    public boolean isPassing() {
        return passing;
    }
}
