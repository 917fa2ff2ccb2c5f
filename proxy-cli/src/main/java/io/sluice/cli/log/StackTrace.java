package io.sluice.cli.log;

import ch.qos.logback.classic.spi.IThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxy;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import io.sluice.text.Printable;

/** Stack traces as Java prints them, but without line breaks of messages, and with a limited length. */
public final class StackTrace {

    /** Characters of a message, which may quote anything, of the frames below it, and of all before the last one. */
    private static final int LONGEST_MESSAGE = 1024;
    private static final int LONGEST_FRAMES = 8 * 1024;
    private static final int LONGEST = 16 * 1024;

    private StackTrace() {}

    /** The stack trace of {@code throwable}, with a line feed at the end of each line. */
    public static String of(Throwable throwable) {
        return of(new ThrowableProxy(throwable));
    }

    /** The same for the throwable of an event. */
    public static String of(IThrowableProxy throwable) {
        StringBuilder text = new StringBuilder(1024);
        append(text, "", ThrowableProxyUtil.REGULAR_EXCEPTION_INDENT, throwable);
        return text.toString();
    }

    private static void append(StringBuilder text, String prefix, int indent, IThrowableProxy throwable) {
        if (text.length() > LONGEST) {
            ThrowableProxyUtil.indent(text, indent - 1);
            text.append("…\n");
            return;
        }
        ThrowableProxyUtil.indent(text, indent - 1);
        text.append(prefix).append(Printable.of(throwable.getClassName()));
        if (throwable.getMessage() != null) {
            text.append(": ").append(Printable.of(throwable.getMessage(), LONGEST_MESSAGE));
        }
        if (throwable.isCyclic()) {
            text.append(" (a cause of itself)\n");
            return;
        }
        text.append('\n');
        int frames = text.length();
        ThrowableProxyUtil.subjoinSTEPArray(text, indent, throwable);
        if (text.length() > frames + LONGEST_FRAMES) {
            text.setLength(text.lastIndexOf("\n", frames + LONGEST_FRAMES) + 1);
            ThrowableProxyUtil.indent(text, indent);
            text.append("…\n");
        }
        if (throwable.getSuppressed() != null) {
            for (IThrowableProxy suppressed : throwable.getSuppressed()) {
                append(text, "Suppressed: ", indent + 1, suppressed);
            }
        }
        if (throwable.getCause() != null) {
            append(text, "Caused by: ", indent, throwable.getCause());
        }
    }
}
