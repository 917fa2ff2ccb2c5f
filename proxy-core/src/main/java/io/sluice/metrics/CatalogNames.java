package io.sluice.metrics;

import io.micrometer.core.instrument.Meter;
import io.micrometer.prometheusmetrics.PrometheusNamingConvention;
import org.jspecify.annotations.Nullable;

/**
 * Makes Micrometer export each metric under its name in {@link MetricCatalog}. Prometheus's convention does so for all
 * but one: it takes the {@code _total} from a gauge of kube-proxy's.
 */
public final class CatalogNames extends PrometheusNamingConvention {

    @Override
    public String name(String name, Meter.Type type, @Nullable String baseUnit) {
        MetricCatalog exception = MetricCatalog.KUBE_PROXY_NO_LOCAL_ENDPOINTS;
        return name.equals(exception.meterName()) ? exception.exportedName() : super.name(name, type, baseUnit);
    }
}
