package io.sluice.admin;

import io.micrometer.core.instrument.Meter;
import io.micrometer.prometheusmetrics.PrometheusNamingConvention;
import org.jspecify.annotations.Nullable;

/** Prometheus's names, but for one of kube-proxy's: it has a gauge that ends in {@code _total} as only counters should. */
final class MetricNames extends PrometheusNamingConvention {

    static final String NO_LOCAL_ENDPOINTS = "kubeproxy.sync.proxy.rules.no.local.endpoints.total";

    @Override
    public String name(String name, Meter.Type type, @Nullable String baseUnit) {
        return name.equals(NO_LOCAL_ENDPOINTS) ? name.replace('.', '_') : super.name(name, type, baseUnit);
    }
}
