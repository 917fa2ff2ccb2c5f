package io.sluice.metrics;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.jvm.ClassLoaderMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.netty4.NettyAllocatorMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufAllocatorMetricProvider;

/** The process as a whole: build, limits, file descriptors, JVM, and the allocator of network buffers. Control thread. */
public final class RuntimeMetrics implements AutoCloseable {

    private final JvmGcMetrics gc = new JvmGcMetrics();

    /**
     * Registers the meters, once in a process.
     *
     * @param version        of this program
     * @param maxConnections the limit over all Services
     */
    public RuntimeMetrics(MeterRegistry registry, String version, int maxConnections) {
        Gauge.builder("sluice.build.info", () -> 1).tag("version", version)
                .tag("java", Runtime.version().toString()).description("What runs here; always 1").register(registry);
        Gauge.builder("sluice.connections.limit", () -> maxConnections)
                .description("How many connections may be open over all Services").register(registry);
        gc.bindTo(registry);
        new JvmMemoryMetrics().bindTo(registry);
        new JvmThreadMetrics().bindTo(registry);
        new ClassLoaderMetrics().bindTo(registry);
        new ProcessorMetrics().bindTo(registry);
        new UptimeMetrics().bindTo(registry);
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
