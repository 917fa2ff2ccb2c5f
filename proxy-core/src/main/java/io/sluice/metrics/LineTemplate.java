package io.sluice.metrics;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The lines of one metric: what is the same in all of them. Immutable. */
final class LineTemplate {

    /** Before the value of each label that differs, and after the last. */
    private final byte[][] literals;

    private LineTemplate(List<String> literals) {
        this.literals = literals.stream().map(text -> text.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
    }

    /**
     * Makes it.
     *
     * @param name   of the series
     * @param labels that differ, at least one
     * @param at     how many of them are before the added label
     * @param added  the label that is the same in all lines; empty for none
     * @param value  of it, which needs no escapes
     */
    static LineTemplate of(String name, List<String> labels, int at, String added, String value) {
        List<String> literals = new ArrayList<>();
        StringBuilder next = new StringBuilder(name).append('{');
        for (int i = 0; i <= labels.size(); i++) {
            if (i == at && !added.isEmpty()) {
                next.append(added).append("=\"").append(value).append(i < labels.size() ? "\"," : "\"");
            }
            if (i < labels.size()) {
                literals.add(next.append(labels.get(i)).append("=\"").toString());
                boolean last = i + 1 == labels.size() && (added.isEmpty() || at <= i);
                next = new StringBuilder(last ? "\"" : "\",");
            }
        }
        literals.add(next.append("} ").toString());
        return new LineTemplate(literals);
    }

    /** Writes all but the number. */
    void write(TextBuffer into, List<String> values) {
        for (int i = 0; i < values.size(); i++) {
            into.literal(literals[i]);
            into.labelValue(values.get(i));
        }
        into.literal(literals[values.size()]);
    }
}
