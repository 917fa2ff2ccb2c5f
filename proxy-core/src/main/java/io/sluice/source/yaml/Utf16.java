package io.sluice.source.yaml;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** UTF-16 as PowerShell writes it (YAML 1.2.2, 5.2): only with a byte order mark, as two zero bytes may be anything else. */
final class Utf16 {

    private Utf16() {}

    /**
     * {@code text} in UTF-8, without a mark; {@code text} itself if it has no mark of UTF-16.
     *
     * @throws CharacterCodingException if it has a mark, and what follows is not UTF-16
     */
    static byte[] toUtf8(byte[] text) throws CharacterCodingException {
        Charset charset = charset(text);
        return charset == null
                ? text
                : charset.newDecoder().decode(ByteBuffer.wrap(text, 2, text.length - 2)).toString()
                        .getBytes(StandardCharsets.UTF_8);
    }

    private static @Nullable Charset charset(byte[] text) {
        if (text.length < 2) {
            return null;
        }
        int mark = (text[0] & 0xFF) << 8 | text[1] & 0xFF;
        return mark == 0xFEFF ? StandardCharsets.UTF_16BE : mark == 0xFFFE ? StandardCharsets.UTF_16LE : null;
    }
}
