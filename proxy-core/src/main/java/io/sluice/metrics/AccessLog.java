package io.sluice.metrics;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServicePortName;
import java.net.InetSocketAddress;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * One line for each closed connection, through the logger {@code access} at level INFO.
 *
 * <p>Called on event loops: the logger's appender should be asynchronous. Callers ask {@link #enabled} first, so that a
 * connection costs nothing while the log is off.
 */
public final class AccessLog {

    /** The name of the logger. */
    public static final String LOGGER = "access";

    private enum Form {
        TEXT, FIELDS
    }

    private final Form form;
    private final Logger logger = LoggerFactory.getLogger(LOGGER);
    private final boolean atStart;
    private volatile boolean on;

    private AccessLog(Form form, boolean on) {
        this.form = form;
        this.atStart = on;
        this.on = on;
    }

    /** Logs nothing until it is switched on; then as {@link #text}. */
    public static AccessLog off() {
        return new AccessLog(Form.TEXT, false);
    }

    /** Writes all fields into the message, for people. */
    public static AccessLog text() {
        return new AccessLog(Form.TEXT, true);
    }

    /** Writes all fields as key-value pairs, for an encoder that prints them, such as JSON; leaves out absent ones. */
    public static AccessLog fields() {
        return new AccessLog(Form.FIELDS, true);
    }

    /** Logs connections that end from now on, or does not; null for what it was at the start. Any thread. */
    public void switchTo(@Nullable Boolean now) {
        on = now == null ? atStart : now;
    }

    /** Whether a line would be written. */
    public boolean enabled() {
        return on && logger.isInfoEnabled();
    }

    /** Writes the line of {@code connection}, or nothing while not {@link #enabled}. */
    public void log(ClosedConnection connection) {
        if (!enabled()) {
            return;
        }
        if (form == Form.TEXT) {
            logger.info(line(connection));
            return;
        }
        ServicePortName port = connection.servicePort();
        LoggingEventBuilder line = AccessField.CLIENT.in(logger.atInfo(), format(connection.client()));
        line = AccessField.NAMESPACE.in(line, port.service().namespace());
        line = AccessField.SERVICE.in(line, port.service().name());
        line = AccessField.PORT.in(line, port.port());
        line = AccessField.LISTENER.in(line, format(connection.listener()));
        if (connection.endpoint() != null) {
            line = AccessField.ENDPOINT.in(line, connection.endpoint().toString());
        }
        if (connection.connectNanos() >= 0) {
            line = AccessField.CONNECT_MS.in(line, millis(connection.connectNanos()));
        }
        if (connection.masqueraded()) {
            line = AccessField.MASQUERADED.in(line, true);
        }
        line = AccessField.TOTAL_MS.in(line, millis(connection.totalNanos()));
        line = AccessField.BYTES_FROM_CLIENT.in(line, connection.bytesFromClient());
        line = AccessField.BYTES_FROM_BACKEND.in(line, connection.bytesFromBackend());
        line = AccessField.RETRIES.in(line, connection.retries());
        AccessField.TERMINATION.in(line, connection.termination()).log("connection closed");
    }

    /** {@code 10.0.0.9:51324 default/kubia 10.96.0.1:80 -> 10.1.0.3:8080 0.412/25.103 ms 78/1024 B 0 retries --}. */
    private static String line(ClosedConnection connection) {
        EndpointAddress endpoint = connection.endpoint();
        return format(connection.client()) + ' ' + connection.servicePort() + ' ' + format(connection.listener())
                + " -> " + (endpoint == null ? "-" : endpoint.toString()) + ' ' + millisText(connection.connectNanos())
                + '/' + millisText(connection.totalNanos()) + " ms " + connection.bytesFromClient() + '/'
                + connection.bytesFromBackend() + " B " + connection.retries()
                + (connection.retries() == 1 ? " retry " : " retries ") + connection.termination()
                + (connection.masqueraded() ? " masqueraded" : "");
    }

    private static String format(InetSocketAddress address) {
        return IpAddresses.format(address.getAddress(), address.getPort());
    }

    private static String millisText(long nanos) {
        return nanos < 0 ? "-" : String.format(Locale.ROOT, "%.3f", millis(nanos));
    }

    /** With three digits after the point. */
    private static double millis(long nanos) {
        return TimeUnit.NANOSECONDS.toMicros(nanos) / 1000.0;
    }
}
