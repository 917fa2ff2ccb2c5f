package io.sluice.metrics;

import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.netty4.NettyAllocatorMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import io.prometheus.metrics.instrumentation.jvm.ProcessMetrics;
import java.lang.management.ManagementFactory;
import java.lang.management.RuntimeMXBean;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** The process as a whole: build, limits, memory, file descriptors, JVM, and the allocator of network buffers. Control thread. */
public final class RuntimeMetrics implements AutoCloseable {

    private final JvmGcMetrics gc = new JvmGcMetrics();
    private final LongSupplier droppedLogLines;

    /**
     * Registers the meters, once in a process.
     *
     * @param version         of this program
     * @param maxConnections  the limit over all Services
     * @param buffered        bytes that connections hold in this process, read and not yet delivered
     * @param bufferMemory    their limit
     * @param droppedLogLines the number of log lines that were dropped so far, as no reader took them
     */
    public RuntimeMetrics(PrometheusMeterRegistry registry, String version, int maxConnections, LongSupplier buffered,
            long bufferMemory, LongSupplier droppedLogLines) {
        this.droppedLogLines = droppedLogLines;
        MetricCatalog.BUILD_INFO.gauge(registry, () -> 1, version, Runtime.version().toString());
        MetricCatalog.CONNECTIONS_LIMIT.gauge(registry, () -> maxConnections);
        MetricCatalog.BUFFERED_BYTES.gauge(registry, buffered::getAsLong);
        MetricCatalog.BUFFERED_LIMIT.gauge(registry, () -> bufferMemory);
        // The registry keeps nothing alive that it asks.
        MetricCatalog.LOG_LINES_DROPPED.counter(registry, this, metrics -> metrics.droppedLogLines.getAsLong());
        ProcessMetrics.builder().register(registry.getPrometheusRegistry());
        gc.bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ClassLoaderMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        // Not Micrometer's UptimeMetrics: the client library has process_start_time_seconds already.
        RuntimeMXBean runtime = ManagementFactory.getRuntimeMXBean();
        TimeGauge.builder("process.uptime", runtime, TimeUnit.MILLISECONDS, RuntimeMXBean::getUptime)
                .description("The uptime of the Java virtual machine").register(registry);
        new FileDescriptorMetrics().bindTo(registry);
        if (ByteBufAllocator.DEFAULT instanceof ByteBufAllocatorMetricProvider allocator) {
            new NettyAllocatorMetrics(allocator).bindTo(registry);
        }
    }

    /** Stops listening to garbage collections; the meters stay. */
    @Override
    public void close() {
        gc.close();
    }
}
