package io.sluice.cli.log;

/** The format of a log line. */
public enum LogFormat {
    /** For people. */
    TEXT,
    /** One JSON object a line. */
    JSON
}
