package io.sluice.metrics;

/** How fast some endpoints were in the last while, taken together. Not thread-safe. */
public final class RecentLatency {

    private final long now;
    private final RecentDurations.Sum connect = new RecentDurations.Sum();
    private final RecentDurations.Sum firstByte = new RecentDurations.Sum();

    private RecentLatency(long now) {
        this.now = now;
    }

    /** Of no endpoint yet, as of now. */
    public static RecentLatency begin() {
        return new RecentLatency(System.nanoTime());
    }

    /** That of one endpoint. */
    public static RecentLatency of(EndpointMeters endpoint) {
        RecentLatency one = begin();
        one.add(endpoint);
        return one;
    }

    /** Adds what one endpoint did in the last while. */
    public void add(EndpointMeters endpoint) {
        EndpointLatency latency = endpoint.latency();
        if (latency != null) {
            latency.addTo(connect, firstByte, now);
        }
    }

    /** From the attempt to connect until the endpoint took it. */
    public LatencySummary connect() {
        return connect.summary();
    }

    /** From the first octet to the endpoint, or its taking the connection where it speaks first, to its first octet. */
    public LatencySummary firstByte() {
        return firstByte.summary();
    }
}
