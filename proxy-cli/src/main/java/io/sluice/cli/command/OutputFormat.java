package io.sluice.cli.command;

import io.sluice.cli.config.EnumConverter;
import java.util.List;

/** The formats of {@code -o}. */
enum OutputFormat {
    /** Aligned columns. */
    TABLE,
    /** The same with more columns. */
    WIDE,
    /** For programs. */
    JSON;

    /** {@code table}, {@code wide} or {@code json}. */
    static final class Converter extends EnumConverter<OutputFormat> {
        Converter() {
            super(List.of(OutputFormat.values()));
        }
    }

    /** {@code table} or {@code json}. */
    static final class PlainConverter extends EnumConverter<OutputFormat> {
        PlainConverter() {
            super(List.of(TABLE, JSON));
        }
    }
}
