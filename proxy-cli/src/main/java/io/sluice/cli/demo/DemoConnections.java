package io.sluice.cli.demo;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.sluice.cli.log.Logging;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.LoggerFactory;
import org.slf4j.event.KeyValuePair;

/** Prints each line of the access log in the demo's form: client → Service → pod. Any thread. */
final class DemoConnections extends AppenderBase<ILoggingEvent> {

    private final DemoPods pods;
    private final PrintWriter out;
    private final Semaphore shown = new Semaphore(0);

    private DemoConnections(DemoPods pods, PrintWriter out) {
        this.pods = pods;
        this.out = out;
    }

    /** Replaces the usual appenders of the access log. */
    static DemoConnections install(DemoPods pods, PrintWriter out) {
        DemoConnections connections = new DemoConnections(pods, out);
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
            connections.setContext(context);
            connections.start();
            Logger access = context.getLogger(Logging.ACCESS);
            access.detachAndStopAllAppenders();
            access.addAppender(connections);
        }
        return connections;
    }

    /** Waits until {@code count} connections were shown, or for {@code atMost}. */
    boolean await(int count, Duration atMost) throws InterruptedException {
        return shown.tryAcquire(count, atMost.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    protected void append(ILoggingEvent event) {
        out.println(line(event));
        out.flush();
        shown.release();
    }

    private String line(ILoggingEvent event) {
        List<KeyValuePair> pairs = event.getKeyValuePairs() == null ? List.of() : event.getKeyValuePairs();
        String port = value(pairs, "port");
        String endpoint = value(pairs, "endpoint");
        return value(pairs, "client") + " → " + value(pairs, "service") + (port.isEmpty() ? "" : ":" + port) + " → "
                + (endpoint.isEmpty() ? "no pod" : pods.name(endpoint) + " (" + endpoint + ")");
    }

    private static String value(List<KeyValuePair> pairs, String key) {
        return pairs.stream().filter(pair -> pair.key.equals(key)).map(pair -> String.valueOf(pair.value)).findFirst()
                .orElse("");
    }
}
