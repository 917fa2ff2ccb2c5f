package io.sluice.source;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * The freshness of the view of one kind of object.
 *
 * @param resource  the kind: {@code services}, {@code endpoints} or {@code node}
 * @param watch     the state of the watch
 * @param lastHeard when the server last sent anything about it, even that there is nothing new; null for never
 * @param version   the {@code resourceVersion} that the view is at; empty before the first list
 * @param objects   the number of objects
 * @param lists     how often all of them were listed
 * @param failures  the number of lists and watches that have failed
 * @param problem   why it is not watched now, in a line for a person; null if it is
 */
public record ResourceFreshness(String resource, WatchState watch, @Nullable Instant lastHeard, String version,
        int objects, long lists, long failures, @Nullable String problem) {

    /** The state of a watch. */
    public enum WatchState {
        /** All objects are being listed. */
        LISTING,
        /** The server sends changes as they happen. */
        WATCHING,
        /** The server is unreachable or refuses; the next request follows soon. */
        WAITING
    }
}
