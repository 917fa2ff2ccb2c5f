package io.sluice.cli.render;

import io.sluice.text.Printable;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A table as {@code kubectl get} prints it: a header in upper case, columns as wide as their widest cell, three spaces
 * between them, no trailing blanks. Cells are made {@linkplain Printable printable}. Not thread-safe.
 */
public final class Table {

    private static final int GAP = 3;
    /** The longest cell: enough for the addresses of a thousand endpoints. */
    private static final int LONGEST_CELL = 16 * 1024;

    private final List<List<String>> rows = new ArrayList<>();

    /** An empty table; the headers are printed as they are given. */
    public Table(String... headers) {
        rows.add(List.of(headers));
    }

    /**
     * Adds one row.
     *
     * @throws IllegalArgumentException unless it has one cell for each header
     */
    public Table row(Object... cells) {
        if (cells.length != rows.getFirst().size()) {
            throw new IllegalArgumentException(cells.length + " cells under " + rows.getFirst().size() + " headers");
        }
        List<String> row = new ArrayList<>(cells.length);
        for (Object cell : cells) {
            row.add(Printable.of(String.valueOf(cell), LONGEST_CELL));
        }
        rows.add(Collections.unmodifiableList(row));
        return this;
    }

    /** Whether it has a header only. */
    public boolean isEmpty() {
        return rows.size() == 1;
    }

    /** The lines, each ended by a line feed. */
    @Override
    public String toString() {
        return text(rows, widths());
    }

    /** The lines without the header, in columns that are at least as wide as those of {@code before}. */
    public String below(Table before) {
        int[] widths = widths();
        int[] earlier = before.widths();
        for (int i = 0; i < widths.length; i++) {
            widths[i] = Math.max(widths[i], earlier[i]);
        }
        return text(rows.subList(1, rows.size()), widths);
    }

    private int[] widths() {
        int columns = rows.getFirst().size();
        int[] widths = new int[columns];
        for (List<String> row : rows) {
            for (int i = 0; i < columns; i++) {
                widths[i] = Math.max(widths[i], length(row.get(i)));
            }
        }
        return widths;
    }

    private static String text(List<List<String>> rows, int[] widths) {
        int columns = widths.length;
        StringBuilder text = new StringBuilder();
        for (List<String> row : rows) {
            StringBuilder line = new StringBuilder();
            for (int i = 0; i < columns; i++) {
                line.append(row.get(i));
                if (i < columns - 1) {
                    line.repeat(' ', widths[i] - length(row.get(i)) + GAP);
                }
            }
            text.append(line.toString().stripTrailing()).append('\n');
        }
        return text.toString();
    }

    private static int length(String cell) {
        return cell.codePointCount(0, cell.length());
    }
}
