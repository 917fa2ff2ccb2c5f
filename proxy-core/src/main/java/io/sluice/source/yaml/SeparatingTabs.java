package io.sluice.source.yaml;

/**
 * Replaces tabs that separate a key, an indicator or a value from the rest of its line (YAML 1.2.2, 6.2): SnakeYAML Engine
 * refuses them although YAML allows them. Only a file that was refused for one is treated so. This class knows just enough
 * YAML to tell such tabs from those of quoted texts, block scalars, plain texts and indentation.
 */
final class SeparatingTabs {

    private static final int NONE = -1;

    private final byte[] text;
    private int at;
    private int lineStart;
    /** The depth of collections in brackets or braces. */
    private int flow;
    /** The column of the present key or dash: a block scalar is indented deeper. */
    private int parent = NONE;

    private SeparatingTabs(byte[] text) {
        this.text = text;
    }

    /** {@code text} with a space in the place of each such tab; columns stay as they are. */
    static byte[] replaced(byte[] text) {
        SeparatingTabs tabs = new SeparatingTabs(text.clone());
        while (tabs.at < text.length) {
            tabs.line();
        }
        return tabs.text;
    }

    private int peek(int offset) {
        return at + offset < text.length ? text[at + offset] : NONE;
    }

    private static boolean isEnd(int c) {
        return c == NONE || c == '\n' || c == '\r';
    }

    private static boolean isSpace(int c) {
        return c == ' ' || c == '\t';
    }

    private static boolean separates(int c) {
        return isSpace(c) || isEnd(c);
    }

    private void nextLine() {
        while (at < text.length && text[at] != '\n') {
            at++;
        }
        at++;
        lineStart = at;
    }

    /** Reads from the beginning of a line to that of another. */
    private void line() {
        while (peek(0) == ' ' || flow > 0 && peek(0) == '\t') {
            at++;
        }
        if (flow == 0) {
            parent = at - lineStart;
            if (peek(0) == '\t' || peek(0) == '%' && parent == 0) {
                nextLine();
                return;
            }
            if (parent == 0 && (startsWith("---") || startsWith("..."))) {
                at += 3;
                parent = NONE;
            }
        }
        boolean dashes = true;
        while (!isEnd(peek(0))) {
            separation();
            int c = peek(0);
            int column = at - lineStart;
            if (isEnd(c) || c == '#') {
                break;
            }
            if (flow == 0 && (c == '|' || c == '>')) {
                blockScalar();
                return;
            }
            boolean dash = flow == 0 && dashes && c == '-' && separates(peek(1));
            if (flow == 0 && dashes) {
                parent = parent == NONE && !dash && !isKey() ? NONE : column;
                dashes = dash;
            }
            value(c);
        }
        nextLine();
    }

    private boolean startsWith(String marker) {
        return peek(0) == marker.charAt(0) && peek(1) == marker.charAt(1) && peek(2) == marker.charAt(2)
                && separates(peek(3));
    }

    /** Whether the line has a key from here on, by its colon. */
    private boolean isKey() {
        for (int i = 0; !isEnd(peek(i)); i++) {
            if (peek(i) == ':' && separates(peek(i + 1))) {
                return true;
            }
        }
        return false;
    }

    /** Reads the white space between two tokens. */
    private void separation() {
        for (; isSpace(peek(0)); at++) {
            text[at] = ' ';
        }
    }

    /** Reads one token, its line ends included if it is quoted. */
    private void value(int c) {
        switch (c) {
            case '"', '\'' -> quoted(c);
            case '[', '{' -> {
                flow++;
                at++;
            }
            case ']', '}' -> {
                flow = Math.max(0, flow - 1);
                at++;
            }
            case ',' -> at++;
            case '!', '&', '*' -> {
                while (!separates(peek(0)) && !(flow > 0 && isFlow(peek(0)))) {
                    at++;
                }
            }
            case '-', '?', ':' -> {
                if (separates(peek(1)) || c == ':' && flow > 0) {
                    at++;
                } else {
                    plain();
                }
            }
            default -> plain();
        }
    }

    private static boolean isFlow(int c) {
        return c == ',' || c == '[' || c == ']' || c == '{' || c == '}';
    }

    private void quoted(int quote) {
        for (at++; at < text.length; at++) {
            if (text[at] == '\n') {
                lineStart = at + 1;
            } else if (text[at] == '\\' && quote == '"') {
                at++;
            } else if (text[at] == quote) {
                if (quote == '"' || peek(1) != quote) {
                    at++;
                    return;
                }
                at++;
            }
        }
    }

    /** Reads a plain text; tabs within it belong to it. */
    private void plain() {
        at++;
        while (!isEnd(peek(0))) {
            int c = peek(0);
            if (c == ':' && (separates(peek(1)) || flow > 0 && isFlow(peek(1))) || flow > 0 && isFlow(c)
                    || isSpace(c) && (peek(1) == '#' || isEnd(peek(1)))) {
                return;
            }
            at++;
        }
    }

    private void blockScalar() {
        int limit = parent;
        nextLine();
        while (at < text.length) {
            int spaces = 0;
            while (peek(spaces) == ' ') {
                spaces++;
            }
            boolean marker = spaces == 0 && (startsWith("---") || startsWith("..."));
            if (spaces <= limit && !isEnd(peek(spaces)) || marker) {
                return;
            }
            nextLine();
        }
    }
}
