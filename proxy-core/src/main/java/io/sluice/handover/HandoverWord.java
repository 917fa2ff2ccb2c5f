package io.sluice.handover;

import java.util.Arrays;

/**
 * The words that two processes send each other at a handover. The new one sends {@link #HELLO} when it starts, {@link
 * #REQUEST} when it knows its Services, {@link #READY} when it could accept and {@link #SERVING} when it does; the old one
 * answers {@link #WAIT}, {@link #LISTENERS} and {@link #THAT_IS_ALL}, {@link #YIELDED} and {@link #RELEASED}. A new process
 * of the earlier protocol requests the sockets with {@link #EARLIER_HELLO} and is released with {@link #READY}.
 */
enum HandoverWord {

    HELLO("sluice-handover-2"),
    EARLIER_HELLO("sluice-handover-1"),
    REQUEST("request"),
    READY("ready"),
    SERVING("serving"),

    WAIT("wait"),
    LISTENERS("listeners"),
    THAT_IS_ALL("that-is-all"),
    YIELDED("yielded"),
    RELEASED("released"),
    /** The offer has ended; the new process may request anew. */
    WITHDRAWN("withdrawn"),
    /** A process that was started later has taken over. */
    SUPERSEDED("superseded"),
    /** This process ends, or has handed over: look at the path again. */
    MOVED("moved"),

    /** No word: the connection ended. */
    END(""),
    /** No word of this protocol. */
    UNKNOWN("?");

    private final String text;

    HandoverWord(String text) {
        this.text = text;
    }

    String text() {
        return text;
    }

    static HandoverWord of(String text) {
        return Arrays.stream(values()).filter(word -> word.text.equals(text)).findAny().orElse(UNKNOWN);
    }
}
