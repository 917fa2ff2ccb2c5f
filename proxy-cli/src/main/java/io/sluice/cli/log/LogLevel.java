package io.sluice.cli.log;

/** The least important kind of message that is logged. */
public enum LogLevel {
    ERROR, WARN, INFO, DEBUG, TRACE
}
