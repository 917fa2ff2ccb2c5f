package io.sluice.metrics;

import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.netty4.NettyAllocatorMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;
import io.prometheus.metrics.instrumentation.jvm.ProcessMetrics;
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
        new UptimeMetrics().bindTo(registry);
        // The client library has one of the same name.
        registry.find("process.start.time").meters().forEach(registry::remove);
        ProcessMetrics.builder().register(registry.getPrometheusRegistry());
        gc.bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ClassLoaderMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
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
