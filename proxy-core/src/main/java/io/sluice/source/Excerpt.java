package io.sluice.source;

/**
 * Makes text from outside fit into one line of a log or a terminal: line breaks and other control characters are escaped,
 * and the middle of what is very long is left out.
 */
public final class Excerpt {

    private static final int MAX_LENGTH = 600;
    private static final int HEAD = 120;
    private static final int TAIL = 360;

    private Excerpt() {}

    /** {@code message}, which may hold any text, in one line of bounded length; its beginning and its end are kept. */
    public static String line(String message) {
        if (message.length() <= MAX_LENGTH) {
            return escaped(message);
        }
        int left = message.length() - HEAD - TAIL;
        return escaped(message.substring(0, HEAD)) + "… (" + left + " characters) …"
                + escaped(message.substring(message.length() - TAIL));
    }

    /** One value, cut after {@value #HEAD} characters. */
    public static String of(String value) {
        return value.length() <= HEAD
                ? escaped(value)
                : escaped(value.substring(0, HEAD)) + "… (" + value.length() + " characters)";
    }

    private static String escaped(String text) {
        int i = 0;
        while (i < text.length() && !isEscaped(text.charAt(i))) {
            i++;
        }
        if (i == text.length()) {
            return text;
        }
        StringBuilder escaped = new StringBuilder(text.substring(0, i));
        for (; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '\n' -> escaped.append("\\n");
                case '\r' -> escaped.append("\\r");
                case '\t' -> escaped.append("\\t");
                default -> {
                    if (isEscaped(c)) {
                        escaped.append("\\u%04x".formatted((int) c));
                    } else {
                        escaped.append(c);
                    }
                }
            }
        }
        return escaped.toString();
    }

    /** Also what turns the direction of writing (UAX #9), breaks lines elsewhere (NEL, LS, PS), or is half a character. */
    private static boolean isEscaped(char c) {
        return Character.isISOControl(c) || c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069 || c == 0x2028
                || c == 0x2029;
    }
}
