package io.sluice.reconcile;

import io.sluice.service.EndpointAddress;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.MarkerFactory;
import org.slf4j.spi.LoggingEventBuilder;

/**
 * A line of the log about a Service: a message that says everything to a person, and the names in it as fields, {@code
 * namespace}, {@code service}, {@code port} and {@code endpoint}, for programs.
 *
 * @param port     the port's name; null for a line about the whole Service
 * @param endpoint null for a line about no single endpoint
 */
public record NamedLine(ServiceName service, @Nullable String port, @Nullable EndpointAddress endpoint,
        String message) {

    /** Marks lines whose fields say nothing that the message does not say: a log for people leaves them out. */
    public static final Marker FIELDS_FOR_PROGRAMS = MarkerFactory.getMarker("fields for programs");

    /** A line about a Service. */
    static NamedLine of(ServiceName service, String message) {
        return new NamedLine(service, null, null, message);
    }

    /** A line about a port. */
    static NamedLine of(ServicePortName port, String message) {
        return new NamedLine(port.service(), port.port(), null, message);
    }

    /** A line about an endpoint. */
    static NamedLine of(ServicePortName port, EndpointAddress endpoint, String message) {
        return new NamedLine(port.service(), port.port(), endpoint, message);
    }

    /** Logs it at the level of {@code line}. */
    void log(LoggingEventBuilder line) {
        LoggingEventBuilder named = line.addMarker(FIELDS_FOR_PROGRAMS).addKeyValue("namespace", service.namespace())
                .addKeyValue("service", service.name());
        if (port != null && !port.isEmpty()) {
            named = named.addKeyValue("port", port);
        }
        if (endpoint != null) {
            named = named.addKeyValue("endpoint", endpoint.toString());
        }
        named.log(message);
    }
}
