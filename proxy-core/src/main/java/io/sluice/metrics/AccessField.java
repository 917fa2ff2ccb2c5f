package io.sluice.metrics;

import org.slf4j.spi.LoggingEventBuilder;

/** The fields of the access log, in the order of a line; {@code docs/access-log.md} is made from them. */
public enum AccessField {
    /** See {@link ClosedConnection#client}. */
    CLIENT("client", "10.0.0.9:51324", "the client's address"),
    /** The namespace of the Service. */
    NAMESPACE("namespace", "shop/", "the Service's namespace"),
    /** The Service. */
    SERVICE("service", "api", "the Service"),
    /** The port's name. */
    PORT("port", ":http", "the port's name; empty, and without the colon, if it has none"),
    /** See {@link ClosedConnection#listener}. */
    LISTENER("listener", "10.96.0.1:80", "the address that the client connected to"),
    /** See {@link ClosedConnection#endpoint}. */
    ENDPOINT("endpoint", "-> 10.1.0.3:8080",
            "the last endpoint that was tried; absent, in a line for people `-`, if none was"),
    /** See {@link ClosedConnection#connectNanos}. */
    CONNECT_MS("connectMs", "0.412",
            "from accept until an endpoint had taken the connection, retries included, in ms; of a flow "
                    + "until the first reply; absent, in a line for people `-`, if none did"),
    /** Whether the endpoint saw this node's address. */
    MASQUERADED("masqueraded", "",
            "`true`, in a line for people a word at its end, if the endpoint saw this node's "
                    + "address while other traffic of the Service keeps its source; else absent"),
    /** See {@link ClosedConnection#totalNanos}. */
    TOTAL_MS("totalMs", "/25.103 ms", "from accept to close, in ms"),
    /** See {@link ClosedConnection#bytesFromClient}. */
    BYTES_FROM_CLIENT("bytesFromClient", "78", "octets of the client that were written to the endpoint"),
    /** See {@link ClosedConnection#bytesFromBackend}. */
    BYTES_FROM_BACKEND("bytesFromBackend", "/1024 B", "octets of the endpoint that were written to the client"),
    /** See {@link ClosedConnection#retries}. */
    RETRIES("retries", "1 retry", "how many endpoints failed before the last one; of a flow how often it moved"),
    /** See {@link ClosedConnection#termination}. */
    TERMINATION("termination", "--", "which side ended it, and in which phase: two letters, below");

    private final String key;
    private final String example;
    private final String meaning;

    AccessField(String key, String example, String meaning) {
        this.key = key;
        this.example = example;
        this.meaning = meaning;
    }

    /** The name of the field in a line of JSON. */
    public String key() {
        return key;
    }

    /** How it looks in a usual line for people; empty if it is not in it. */
    public String example() {
        return example;
    }

    /** One phrase for a person. */
    public String meaning() {
        return meaning;
    }

    LoggingEventBuilder in(LoggingEventBuilder line, Object value) {
        return line.addKeyValue(key, value);
    }
}
