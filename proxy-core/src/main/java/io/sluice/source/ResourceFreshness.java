package io.sluice.source;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How fresh the view of one kind of object is.
 *
 * @param resource  what it is: {@code services}, {@code endpoints} or {@code node}
 * @param watch     what is being done to keep it fresh
 * @param lastHeard when the server last said anything about it, be it that there is nothing new; null for never
 * @param version   the {@code resourceVersion} that the view is at; empty before the first list
 * @param objects   how many there are
 * @param lists     how often all of them were listed
 * @param failures  how many lists and watches have failed
 * @param problem   why it is not being watched right now, in a line for a person; null while all is well
 */
public record ResourceFreshness(String resource, WatchState watch, @Nullable Instant lastHeard, String version,
        int objects, long lists, long failures, @Nullable String problem) {

    /** What is being done to keep a view fresh. */
    public enum WatchState {
        /** All objects are being asked for. */
        LISTING,
        /** Changes come as they happen. */
        WATCHING,
        /** The server is not reached or refuses; it is asked again soon. */
        WAITING
    }
}
