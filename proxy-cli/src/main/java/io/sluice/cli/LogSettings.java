package io.sluice.cli;

import io.sluice.metrics.AccessLog;
import picocli.CommandLine.Option;

/** Settings of what is logged, to standard error. */
final class LogSettings {

    @Option(names = "--access-log", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "Log one line for each closed connection. Lines are dropped rather than slow connections "
                    + "down. Default: ${DEFAULT-VALUE}")
    private boolean accessLog;

    @Option(names = "--log-format", paramLabel = "FORMAT", defaultValue = "text", converter = Word.OfLogFormat.class,
            completionCandidates = Word.OfLogFormat.class,
            description = "${COMPLETION-CANDIDATES}: lines for people, or one JSON object a line. "
                    + "Default: ${DEFAULT-VALUE}")
    private LogFormat logFormat;

    @Option(names = "--log-level", paramLabel = "LEVEL", defaultValue = "info", converter = Word.OfLogLevel.class,
            completionCandidates = Word.OfLogLevel.class,
            description = "The least important messages that are logged: ${COMPLETION-CANDIDATES}. "
                    + "Default: ${DEFAULT-VALUE}")
    private LogLevel logLevel;

    /** In the form that goes with the log's format, or off. */
    AccessLog accessLog() {
        if (!accessLog) {
            return AccessLog.off();
        }
        return logFormat == LogFormat.JSON ? AccessLog.fields() : AccessLog.text();
    }

    LogFormat logFormat() {
        return logFormat;
    }

    LogLevel logLevel() {
        return logLevel;
    }
}
