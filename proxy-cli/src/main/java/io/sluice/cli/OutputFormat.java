package io.sluice.cli;

/** What {@code -o} chooses. */
enum OutputFormat {
    /** Aligned columns. */
    TABLE,
    /** The same with more columns. */
    WIDE,
    /** For programs. */
    JSON
}
