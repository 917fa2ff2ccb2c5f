package io.sluice.source;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a source's view is complete and up to date now.
 *
 * @param synced   whether a complete snapshot was handed over at least once
 * @param current  whether the view is known to be up to date: false while an edit is broken or a watch is silent
 * @param asOf     when the view was last known to be true; null before the first
 * @param detail   one line: what is watched, or the problem
 * @param problems the present problems of the input; empty without any
 * @param resources the same for each kind of object that is watched; empty for a source that watches none
 */
public record Freshness(boolean synced, boolean current, @Nullable Instant asOf, String detail,
        List<Problem> problems, List<ResourceFreshness> resources) {

    public Freshness {
        problems = List.copyOf(problems);
        resources = List.copyOf(resources);
    }

    /** The freshness of a source that watches no kinds of objects. */
    public Freshness(boolean synced, boolean current, @Nullable Instant asOf, String detail, List<Problem> problems) {
        this(synced, current, asOf, detail, problems, List.of());
    }
}
