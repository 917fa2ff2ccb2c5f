package io.sluice.cli.config;

import io.sluice.cli.log.LogFormat;
import io.sluice.cli.log.LogLevel;
import io.sluice.metrics.AccessLog;
import picocli.CommandLine.Option;

/** Flags of the log on standard error. */
public final class LogFlags {

    @Option(names = "--access-log", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "Log one line for each closed connection. Lines are dropped if they would slow connections "
                    + "down. Default: ${DEFAULT-VALUE}")
    private boolean accessLog;

    @Option(names = "--log-format", paramLabel = "FORMAT", defaultValue = "text",
            converter = EnumConverter.OfLogFormat.class,
            completionCandidates = EnumConverter.OfLogFormat.class,
            description = "${COMPLETION-CANDIDATES}: lines for people, or one JSON object a line. "
                    + "Default: ${DEFAULT-VALUE}")
    private LogFormat logFormat;

    @Option(names = "--log-level", paramLabel = "LEVEL", defaultValue = "info",
            converter = EnumConverter.OfLogLevel.class,
            completionCandidates = EnumConverter.OfLogLevel.class,
            description = "The least important messages that are logged: ${COMPLETION-CANDIDATES}. "
                    + "Default: ${DEFAULT-VALUE}")
    private LogLevel logLevel;

    /** The access log in the log's format, which may be off. */
    public AccessLog accessLog() {
        AccessLog log = logFormat == LogFormat.JSON ? AccessLog.fields() : AccessLog.text();
        log.switchTo(accessLog);
        return log;
    }

    public LogFormat logFormat() {
        return logFormat;
    }

    public LogLevel logLevel() {
        return logLevel;
    }
}
