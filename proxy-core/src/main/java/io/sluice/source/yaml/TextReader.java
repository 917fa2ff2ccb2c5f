package io.sluice.source.yaml;

import java.io.IOException;
import java.io.Reader;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/**
 * Decodes a file's bytes as the scanner asks for them, and refuses texts that are not UTF-8, characters that YAML does not
 * allow, a value of more than {@value #MAX_AHEAD} characters in one line, and everything when the time is over. The scanner
 * asks repeatedly while it looks for the end of a value, so these are also found within a value.
 */
final class TextReader extends Reader {

    /**
     * The longest look-ahead of the scanner, which keeps and copies so many characters of one line, at four bytes each. No
     * value of an object of the API comes near: a server accepts 1.5 MiB for a whole object.
     */
    static final int MAX_AHEAD = 16 * 1024 * 1024;

    private final ByteBuffer bytes;
    private final ReadingBudget budget;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8.newDecoder();
    private @Nullable StreamReader scanner;
    private int line = 1;
    private boolean afterReturn;
    private boolean first = true;
    private long given;
    private int pieces;
    private @Nullable YamlException refused;

    TextReader(byte[] bytes, ReadingBudget budget) {
        this.bytes = ByteBuffer.wrap(bytes);
        this.budget = budget;
    }

    /** Sets the reader of this text, which knows its position. */
    void follow(StreamReader reader) {
        scanner = reader;
    }

    /** The reason why the text was refused; null if it was not. */
    @Nullable
    YamlException refused() {
        return refused;
    }

    /** The number of pieces that were given to the scanner. */
    int pieces() {
        return pieces;
    }

    @Override
    public int read(char[] into, int offset, int length) throws IOException {
        StreamReader reader = scanner;
        if (budget.isOver()) {
            throw refuse(line, ReadingBudget.tooLong());
        }
        if (reader != null && given - reader.getIndex() > MAX_AHEAD) {
            throw refuse(reader.getLine() + 1,
                    "has a value of more than " + MAX_AHEAD / (1024 * 1024) + " MiB in one line; shorten it");
        }
        CharBuffer chars = CharBuffer.wrap(into, offset, length);
        CoderResult result = decoder.decode(bytes, chars, true);
        int count = chars.position() - offset;
        check(into, offset, count);
        if (count > 0) {
            if (first) {
                first = false;
                if (into[offset] == '\uFEFF') {
                    System.arraycopy(into, offset + 1, into, offset, --count);
                    if (count == 0) {
                        return read(into, offset, length);
                    }
                }
            }
            given += count;
            pieces++;
            return count;
        }
        if (result.isError()) {
            throw refuse(line, "is not a text in UTF-8");
        }
        return result.isOverflow() ? 0 : -1;
    }

    private void check(char[] chars, int offset, int count) throws LimitException {
        for (int i = offset; i < offset + count; i++) {
            char c = chars[i];
            if (c == '\r' || c == '\n' && !afterReturn) {
                line++;
            } else if (!isAllowed(c)) {
                throw refuse(line, "is not YAML: the character U+%04X is not allowed".formatted((int) c));
            }
            afterReturn = c == '\r';
        }
    }

    /** YAML 1.2.2, productions 1 and 2; halves of characters come in pairs from the decoder. */
    private static boolean isAllowed(char c) {
        return c >= 0x20 && c <= 0x7F || c == '\t' || c == '\n' || c == '\r' || c == 0x85 || c >= 0xA0 && c < 0xFFFE;
    }

    private LimitException refuse(int where, String message) {
        refused = new YamlException(where, message);
        return new LimitException(message);
    }

    @Override
    public void close() {
        // nothing is open
    }
}
