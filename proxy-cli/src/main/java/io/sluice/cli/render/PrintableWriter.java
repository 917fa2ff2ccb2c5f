package io.sluice.cli.render;

import io.sluice.text.Printable;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.Writer;

/**
 * The last writer before a standard stream: of a command's output only line feeds, tabs and colours reach a terminal as
 * control characters. Texts from outside are made printable where they are put into a line; this catches those that were
 * forgotten. Not thread-safe.
 */
public final class PrintableWriter extends FilterWriter {

    private static final char ESCAPE = 0x1b;

    private final boolean colours;

    /** The first half of a surrogate pair whose second half has not arrived; 0 for none. */
    private char half;

    /**
     * A writer in front of {@code out}.
     *
     * @param colours whether "select graphic rendition" (ECMA-48, 8.3.117) is passed on
     */
    public PrintableWriter(Writer out, boolean colours) {
        super(out);
        this.colours = colours;
    }

    @Override
    public void write(int unit) throws IOException {
        write(String.valueOf((char) unit), 0, 1);
    }

    @Override
    public void write(char[] units, int offset, int length) throws IOException {
        write(new String(units, offset, length), 0, length);
    }

    @Override
    public void write(String text, int offset, int length) throws IOException {
        String whole = half == 0 ? text.substring(offset, offset + length)
                : half + text.substring(offset, offset + length);
        half = 0;
        int end = whole.length();
        if (end > 0 && Character.isHighSurrogate(whole.charAt(end - 1))) {
            half = whole.charAt(--end);
        }
        StringBuilder safe = new StringBuilder(end + 16);
        for (int i = 0, codePoint; i < end; i += Character.charCount(codePoint)) {
            codePoint = whole.codePointAt(i);
            int colour = codePoint == ESCAPE && colours ? colour(whole, i, end) : 0;
            if (colour > 0) {
                safe.append(whole, i, colour);
                i = colour - 1;
                codePoint = ESCAPE;
            } else if (codePoint == '\n' || codePoint == '\t' || Printable.isSafe(codePoint)) {
                safe.appendCodePoint(codePoint);
            } else {
                Printable.escape(safe, codePoint);
            }
        }
        out.write(safe.toString());
    }

    /** The end of the colour sequence that begins at {@code start}; 0 if it is something else. */
    private static int colour(String text, int start, int end) {
        int at = start + 1;
        if (at >= end || text.charAt(at) != '[') {
            return 0;
        }
        at++;
        while (at < end && (text.charAt(at) >= '0' && text.charAt(at) <= '9' || text.charAt(at) == ';')) {
            at++;
        }
        return at < end && text.charAt(at) == 'm' ? at + 1 : 0;
    }

    @Override
    public void flush() throws IOException {
        if (half != 0) {
            StringBuilder safe = new StringBuilder();
            Printable.escape(safe, half);
            half = 0;
            out.write(safe.toString());
        }
        out.flush();
    }
}
