package io.sluice.text;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/**
 * Text that is safe to show in a line of a log, a table or a terminal: nothing in it ends the line, moves the cursor or
 * turns the direction of writing, and its length is limited. Unsafe characters are written as in a Java or JSON string,
 * {@code \n} or <code>&#92;u001b</code>. Backslashes stay as they are, so making text printable twice changes nothing.
 *
 * <p>Not safe are control characters (C0, DEL and C1, which terminals obey), line and paragraph separators, format
 * characters (Unicode category Cf: bidirectional embeddings, overrides and isolates, UTR #36, and what has no width), and
 * halves of surrogate pairs, which no encoding can write.
 */
public final class Printable {

    /** The most characters of one text, by default. */
    public static final int LONGEST = 4096;

    /** A text that is cut keeps both ends: the beginning names the thing, the end says what to do. */
    private static final int PARTS_BEFORE_THE_CUT = 3;
    private static final int PARTS = 4;

    private Printable() {}

    /** {@code text}, printable, of {@value #LONGEST} characters at the most before unsafe ones are escaped. */
    public static String of(String text) {
        return of(text, LONGEST);
    }

    /**
     * {@code text}, printable.
     *
     * @param longest the most characters that are kept; of longer text a part in the middle is left out, and the result says
     *                how much
     */
    public static String of(String text, int longest) {
        return escaped(cut(text, longest));
    }

    /** {@code text} as it is, but not longer: for a form that has escapes of its own, such as JSON. */
    public static String cut(String text, int longest) {
        int length = text.length();
        if (length <= longest) {
            return text;
        }
        int before = longest / PARTS * PARTS_BEFORE_THE_CUT;
        int after = length - (longest - before);
        if (Character.isHighSurrogate(text.charAt(before - 1))) {
            before--;
        }
        if (Character.isLowSurrogate(text.charAt(after))) {
            after++;
        }
        return text.substring(0, before) + "…(" + String.format(Locale.ROOT, "%,d", after - before)
                + " characters left out)…" + text.substring(after);
    }

    /**
     * {@code shop/api, shop/db and 12 more}: the first of {@code items}, as they are, and the number of the others.
     *
     * @param most how many are named
     */
    public static String first(List<?> items, int most) {
        return items.stream().limit(most).map(String::valueOf).collect(Collectors.joining(", "))
                + (items.size() > most ? " and " + (items.size() - most) + " more" : "");
    }

    /** Whether the character may be shown as it is. */
    public static boolean isSafe(int codePoint) {
        if (codePoint < 0x7f) {
            return codePoint >= ' ';
        }
        return switch (Character.getType(codePoint)) {
            case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE -> false;
            default -> true;
        };
    }

    /** Appends a character as a string of Java or JSON has it: with a backslash, in ASCII. */
    public static void escape(StringBuilder to, int codePoint) {
        switch (codePoint) {
            case '\n' -> to.append("\\n");
            case '\r' -> to.append("\\r");
            case '\t' -> to.append("\\t");
            default -> {
                for (char unit : Character.toChars(codePoint)) {
                    to.append(String.format(Locale.ROOT, "\\u%04x", (int) unit));
                }
            }
        }
    }

    private static String escaped(String text) {
        int length = text.length();
        int safe = 0;
        while (safe < length && text.charAt(safe) >= ' ' && text.charAt(safe) < 0x7f) {
            safe++;
        }
        if (safe == length) {
            return text;
        }
        StringBuilder escaped = new StringBuilder(length + 32).append(text, 0, safe);
        for (int i = safe, codePoint; i < length; i += Character.charCount(codePoint)) {
            codePoint = text.codePointAt(i);
            if (isSafe(codePoint)) {
                escaped.appendCodePoint(codePoint);
            } else {
                escape(escaped, codePoint);
            }
        }
        return escaped.toString();
    }
}
