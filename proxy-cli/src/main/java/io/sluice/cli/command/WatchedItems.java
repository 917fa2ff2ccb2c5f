package io.sluice.cli.command;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Finds out which objects are new, differ or are gone since the last look. Pure but for what it remembers. */
final class WatchedItems {

    /**
     * An object as it is shown.
     *
     * @param cells   those of its row
     * @param compare those that make a difference: all but its age
     */
    record Row(JsonNode item, List<Object> cells, List<Object> compare) {}

    /**
     * What differs.
     *
     * @param shown rows that are new or differ, as they are now
     * @param gone  rows of objects that are gone, as they were last
     */
    record Difference(List<Row> shown, List<Row> gone) {}

    private Map<String, Row> known = new LinkedHashMap<>();

    /** The difference to the last look; at the first everything is new. */
    Difference look(Map<String, Row> now) {
        List<Row> shown = new ArrayList<>();
        now.forEach((key, row) -> {
            Row before = known.get(key);
            if (before == null || !before.compare().equals(row.compare())) {
                shown.add(row);
            }
        });
        Set<String> missing = new HashSet<>(known.keySet());
        missing.removeAll(now.keySet());
        List<Row> gone = known.entrySet().stream().filter(entry -> missing.contains(entry.getKey()))
                .map(Map.Entry::getValue).toList();
        known = new LinkedHashMap<>(now);
        return new Difference(shown, gone);
    }
}
