package io.sluice.metrics;

import io.prometheus.metrics.model.snapshots.MetricMetadata;

/** The metrics of the data path: name and description. */
enum Family {
    ACTIVE("sluice_connections_active", "Connections that are open"),
    TOTAL("sluice_connections", "Connections that were accepted"),
    FAILED("sluice_connections_failed",
            "Accepted connections that no endpoint took, or that the endpoint, a timeout or the proxy broke"),
    ABORTED("sluice_connections_aborted", "Accepted connections that the client reset or left early"),
    RETRIES("sluice_connect_retries", "Endpoints that were tried after another had failed"),
    BYTES("sluice_relayed_bytes", "Bytes that were passed on"),
    REFUSED("sluice_connections_refused", "Connections that were turned away"),
    CONNECT_DURATION("sluice_connect_duration_seconds", "From accept until an endpoint took the connection"),
    CONNECT_DURATION_MAX("sluice_connect_duration_seconds_max", CONNECT_DURATION.help),
    CONNECTION_DURATION("sluice_connection_duration_seconds", "From accept to close"),
    CONNECTION_DURATION_MAX("sluice_connection_duration_seconds_max", CONNECTION_DURATION.help),
    EJECTIONS("sluice_endpoint_ejections", "Endpoints that were put aside because they did not answer"),
    EJECTED("sluice_endpoints_ejected", "Endpoints that are left out because they do not answer"),
    ENDPOINTS("sluice_endpoints", "Known endpoints"),
    ENDPOINT_ACTIVE("sluice_endpoint_connections_active", "Connections that are open to the endpoint"),
    ENDPOINT_TOTAL("sluice_endpoint_connections", "Connections that the endpoint took"),
    ENDPOINT_FAILED("sluice_endpoint_connections_failed", "Attempts to connect to the endpoint that failed"),
    ENDPOINT_BYTES("sluice_endpoint_relayed_bytes", "Bytes that were passed on");

    private final String name;
    private final String help;

    Family(String name, String help) {
        this.name = name;
        this.help = help;
    }

    /** Name, without the suffix of its type, and description. */
    MetricMetadata metadata() {
        return new MetricMetadata(name, help);
    }
}
