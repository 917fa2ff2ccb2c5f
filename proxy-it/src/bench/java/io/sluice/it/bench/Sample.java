package io.sluice.it.bench;

import tools.jackson.databind.json.JsonMapper;

/**
 * What the load tool measured in one go over one peer.
 *
 * @param seconds    how long it measured
 * @param done       exchanges or connections that were completed
 * @param failed     those that failed
 * @param bytes      moved over the client's sockets, both ways together
 * @param cpuNanos   CPU time of the proxy's processes, all threads
 * @param stalledNanos how long the load tool did not get to run, which the latencies contain
 */
record Sample(double seconds, long done, long failed, long bytes, long cpuNanos, long stalledNanos, double p50Micros,
        double p99Micros, double p999Micros) {

    static Sample parse(String json) {
        return JsonMapper.shared().readValue(json, Sample.class);
    }
}
