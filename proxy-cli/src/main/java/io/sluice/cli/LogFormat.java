package io.sluice.cli;

/** How a log line is written. */
enum LogFormat {
    /** For people. */
    TEXT,
    /** One JSON object a line. */
    JSON
}
