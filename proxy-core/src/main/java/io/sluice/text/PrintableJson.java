package io.sluice.text;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.SerializableString;
import tools.jackson.core.io.CharacterEscapes;
import tools.jackson.core.io.SerializedString;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.json.JsonMapper;

/**
 * JSON that is {@linkplain Printable printable} for any strings: it reads as the same data, and may be shown on
 * a terminal. By itself Jackson escapes only what RFC 8259 demands, and cannot write half a surrogate pair at all, which a
 * name in a manifest may contain.
 */
public final class PrintableJson extends CharacterEscapes {

    private static final long serialVersionUID = 1L;
    private static final int DELETE = 0x7f;

    private static final JsonMapper MAPPER = builder().build();

    private final int[] ascii;

    private PrintableJson() {
        ascii = standardAsciiEscapesForJSON();
        ascii[DELETE] = ESCAPE_STANDARD;
    }

    /** A mapper that writes such JSON and is otherwise as Jackson's default one. */
    public static JsonMapper mapper() {
        return MAPPER;
    }

    /** The same, to be configured further. */
    public static JsonMapper.Builder builder() {
        return JsonMapper.builder(JsonFactory.builder().characterEscapes(new PrintableJson()).build());
    }

    @Override
    public int[] getEscapeCodesForAscii() {
        return ascii.clone();
    }

    /** Called for each UTF-16 unit by itself, so both halves of a surrogate pair are escaped, as JSON does it. */
    @Override
    public @Nullable SerializableString getEscapeSequence(int unit) {
        return Printable.isSafe(unit) ? null : new SerializedString(String.format(Locale.ROOT, "\\u%04x", unit));
    }
}
