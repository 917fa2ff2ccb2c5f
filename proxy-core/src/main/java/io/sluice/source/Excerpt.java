package io.sluice.source;

import io.sluice.text.Printable;

/**
 * Makes text from outside fit into one line of a log or a terminal: line breaks and other control characters are escaped,
 * and the middle of very long texts is left out.
 */
public final class Excerpt {

    private static final int MAX_LENGTH = 600;
    private static final int HEAD = 120;
    private static final int TAIL = 360;

    private Excerpt() {}

    /** {@code message}, which may hold any text, in one line of bounded length; its beginning and its end are kept. */
    public static String line(String message) {
        if (message.length() <= MAX_LENGTH) {
            return Printable.of(message);
        }
        int left = message.length() - HEAD - TAIL;
        return Printable.of(message.substring(0, HEAD)) + "… (" + left + " characters) …"
                + Printable.of(message.substring(message.length() - TAIL));
    }

    /** One value, cut after {@value #HEAD} characters. */
    public static String of(String value) {
        return value.length() <= HEAD
                ? Printable.of(value)
                : Printable.of(value.substring(0, HEAD)) + "… (" + value.length() + " characters)";
    }
}
