package io.sluice.cli.up;

import io.sluice.text.Printable;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Passes on the output of a program line by line: printable, without colours of its own, and lines that have no end in pieces.
 */
final class ProgramOutput {

    /** The most characters of a line; a longer one goes on in the next. */
    static final int LONGEST_LINE = 4_000;

    /** Select Graphic Rendition: ECMA-48, 8.3.117. */
    private static final Pattern COLOURS = Pattern.compile("\u001b\\[[0-9;:]*m");

    private ProgramOutput() {}

    /** Reads to the end; fails only if reading does. */
    static void copy(InputStream from, Consumer<String> lines) throws IOException {
        Reader reader = new InputStreamReader(from, StandardCharsets.UTF_8);
        char[] buffer = new char[8_192];
        StringBuilder line = new StringBuilder();
        for (int count = reader.read(buffer); count >= 0; count = reader.read(buffer)) {
            for (int i = 0; i < count; i++) {
                if (buffer[i] == '\n') {
                    lines.accept(printable(line));
                    line.setLength(0);
                } else {
                    if (line.length() >= LONGEST_LINE && !Character.isLowSurrogate(buffer[i])) {
                        lines.accept(printable(line));
                        line.setLength(0);
                    }
                    line.append(buffer[i]);
                }
            }
        }
        if (!line.isEmpty()) {
            lines.accept(printable(line));
        }
    }

    private static String printable(CharSequence line) {
        String text = COLOURS.matcher(line).replaceAll("").replace("\t", "    ");
        return Printable.of(text.endsWith("\r") ? text.substring(0, text.length() - 1) : text, 5 * LONGEST_LINE);
    }
}
