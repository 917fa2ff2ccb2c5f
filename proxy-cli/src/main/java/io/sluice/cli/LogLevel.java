package io.sluice.cli;

/** The least important kind of message that is logged. */
enum LogLevel {
    ERROR, WARN, INFO, DEBUG, TRACE
}
