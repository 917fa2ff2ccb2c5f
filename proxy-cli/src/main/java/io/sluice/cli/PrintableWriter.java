package io.sluice.cli;

import io.sluice.text.Printable;
import java.io.FilterWriter;
import java.io.IOException;
import java.io.Writer;

/**
 * The last thing before a standard stream: whatever a command prints, nothing of it but line feeds, tabs and colours
 * reaches a terminal as a command to it. Texts of others are made printable where they are put into a line; here are
 * those that were forgotten. Not for several threads.
 */
final class PrintableWriter extends FilterWriter {

    private static final char ESCAPE = 0x1b;

    private final boolean colours;

    /** The first half of a pair whose second has not come yet; 0 if there is none. */
    private char half;

    /**
     * In front of {@code out}.
     *
     * @param colours whether "select graphic rendition" (ECMA-48, 8.3.117) is passed on
     */
    PrintableWriter(Writer out, boolean colours) {
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

    /** Where the colour that begins at {@code start} ends; 0 if it is something else. */
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
