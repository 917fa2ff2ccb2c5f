package io.sluice.it.bench;

/** A figure of a {@link Sample}, with its unit and which way is better. */
enum Figure {
    CPU_PER_GB("CPU ms/GB", false),
    THROUGHPUT("GB/s", true),
    CPU_PER_REQUEST("CPU µs/request", false),
    REQUEST_RATE("requests/s", true),
    CPU_PER_CONNECTION("CPU µs/connection", false),
    CONNECTION_RATE("connections/s", true),
    P50("p50 µs", false),
    P99("p99 µs", false),
    P999("p99.9 µs", false);

    private final String title;
    private final boolean moreIsBetter;

    Figure(String title, boolean moreIsBetter) {
        this.title = title;
        this.moreIsBetter = moreIsBetter;
    }

    String title() {
        return title;
    }

    boolean moreIsBetter() {
        return moreIsBetter;
    }

    /** Whether the proxy's CPU time is in it: there is none without a proxy. */
    boolean needsProxy() {
        return this == CPU_PER_GB || this == CPU_PER_REQUEST || this == CPU_PER_CONNECTION;
    }

    /** NaN if the turn has none. */
    double of(Sample sample) {
        return switch (this) {
            case CPU_PER_GB -> sample.cpuNanos() / 1e6 / (sample.bytes() / 1e9);
            case THROUGHPUT -> sample.bytes() / 1e9 / sample.seconds();
            case CPU_PER_REQUEST, CPU_PER_CONNECTION -> sample.cpuNanos() / 1e3 / sample.done();
            case REQUEST_RATE, CONNECTION_RATE -> sample.done() / sample.seconds();
            case P50 -> latency(sample.p50Micros());
            case P99 -> latency(sample.p99Micros());
            case P999 -> latency(sample.p999Micros());
        };
    }

    private static double latency(double micros) {
        return micros == 0 ? Double.NaN : micros;
    }
}
