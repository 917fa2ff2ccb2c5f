package io.sluice.source.yaml;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Puts markers of documents between JSON objects that follow each other, as {@code kubectl} and {@code jq} accept and print
 * them. Only a file that was refused for one is treated so. An object that begins in the line in which another ends gets a line
 * of its own, and the lines behind it have greater numbers then.
 */
final class JsonSequence {

    private static final byte[] MARKER = "--- ".getBytes(StandardCharsets.US_ASCII);

    private JsonSequence() {}

    /** Whether {@code text} begins as an object does. */
    static boolean begins(byte[] text) {
        int at = text.length > 2 && text[0] == (byte) 0xEF ? 3 : 0;
        while (at < text.length && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) {
            at++;
        }
        return at < text.length && text[at] == '{';
    }

    /** {@code text} with a marker before each object but the first; what is behind something else than an object stays. */
    static byte[] separated(byte[] text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(text.length + 1024);
        int depth = 0;
        boolean quoted = false;
        boolean behind = false;
        boolean sameLine = false;
        for (int i = 0; i < text.length; i++) {
            byte c = text[i];
            if (quoted) {
                if (c == '\\' && i + 1 < text.length) {
                    out.write(c);
                    c = text[++i];
                } else if (c == '"') {
                    quoted = false;
                }
            } else if (c == '"') {
                quoted = true;
            } else if (c == '{' || c == '[') {
                if (depth++ == 0 && behind) {
                    if (sameLine) {
                        out.write('\n');
                    }
                    out.writeBytes(MARKER);
                }
                behind = false;
            } else if (c == '}' || c == ']') {
                depth--;
                behind = depth == 0;
                sameLine = behind;
            } else if (c == '\n') {
                sameLine = false;
            } else if (c != ' ' && c != '\t' && c != '\r') {
                behind = false;
            } else if (behind) {
                continue; // a marker has to begin its line
            }
            out.write(c);
        }
        return out.toByteArray();
    }
}
