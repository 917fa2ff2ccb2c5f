package io.sluice.cli.config;

import io.sluice.http.AllowedHosts;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Flags of the HTTP servers that show the daemon's state. */
public final class AdminFlags {

    public static final String METRICS_ALLOWED_HOSTS = "--metrics-allowed-hosts";

    @Option(names = "--metrics-bind-address", paramLabel = "ADDRESS", defaultValue = "127.0.0.1:10249",
            converter = BindAddress.Converter.class,
            description = "Where /metrics and /api/v1 are served; empty for nowhere. Default: ${DEFAULT-VALUE}")
    private BindAddress metricsBindAddress;

    @Option(names = "--healthz-bind-address", paramLabel = "ADDRESS", defaultValue = "127.0.0.1:10256",
            converter = BindAddress.Converter.class,
            description = "Where /healthz, /livez and /readyz are served; empty for nowhere; may be the same. "
                    + "Default: ${DEFAULT-VALUE}")
    private BindAddress healthzBindAddress;

    @Option(names = METRICS_ALLOWED_HOSTS, paramLabel = "NAME", split = ",", hideParamSyntax = true,
            converter = HostName.class,
            description = "Host names for which /metrics and /api/v1 are served, besides IP addresses, localhost and this "
                    + "node's name, for example those that Prometheus uses: names separated by commas, *.example.com for "
                    + "all below, * for any. Other names are refused, as a web page could read them with one (DNS rebinding).")
    private List<String> metricsAllowedHosts = List.of();

    @Option(names = "--bind-address-hard-fail", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "End with an error at the start when one of these two addresses is in use, instead of a "
                    + "warning. Default: ${DEFAULT-VALUE}")
    private boolean bindAddressHardFail;

    @Option(names = "--max-endpoint-histograms", paramLabel = "N", defaultValue = "1000",
            converter = BoundedInt.Histograms.class,
            description = "How many endpoints have histograms of their own at /metrics, of the time to connect and to the "
                    + "first byte, up to 22 series each; 0 for none. The first to take connections have them; of others "
                    + "'sluice get endpoints -o wide' shows the last two minutes. Default: ${DEFAULT-VALUE}")
    private int maxEndpointHistograms;

    @Option(names = "--stall-timeout", paramLabel = "DURATION", defaultValue = "30s", converter = StallTimeout.class,
            description = "How long an event loop, the thread that applies changes or the thread of a source may make "
                    + "no progress before /livez and /healthz fail; from 1s to 10m. Default: ${DEFAULT-VALUE}")
    private Duration stallTimeout;

    public Optional<InetSocketAddress> metricsBindAddress() {
        return metricsBindAddress.address();
    }

    public Optional<InetSocketAddress> healthzBindAddress() {
        return healthzBindAddress.address();
    }

    /**
     * The host names for which metrics and the API are served.
     *
     * @param nodeName allowed too, if it can be a host name
     */
    public AllowedHosts metricsAllowedHosts(String nodeName) {
        List<String> names = new ArrayList<>();
        if (AllowedHosts.isName(nodeName)) {
            names.add(nodeName);
        }
        names.addAll(metricsAllowedHosts);
        return new AllowedHosts(names, METRICS_ALLOWED_HOSTS);
    }

    public boolean bindAddressHardFail() {
        return bindAddressHardFail;
    }

    public int maxEndpointHistograms() {
        return maxEndpointHistograms;
    }

    public Duration stallTimeout() {
        return stallTimeout;
    }

    /** Reads one entry of {@code --metrics-allowed-hosts}. */
    static final class HostName implements ITypeConverter<String> {
        @Override
        public String convert(String value) {
            try {
                return AllowedHosts.checked(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        }
    }

    /** A duration that is long enough for a busy machine, and short enough to be useful. */
    static final class StallTimeout implements ITypeConverter<Duration> {

        private static final Duration SHORTEST = Duration.ofSeconds(1);
        private static final Duration LONGEST = Duration.ofMinutes(10);

        @Override
        public Duration convert(String value) {
            Duration duration = GoDuration.parse(value);
            if (duration.compareTo(SHORTEST) < 0 || duration.compareTo(LONGEST) > 0) {
                throw new TypeConversionException("'" + value + "' is not between 1s and 10m");
            }
            return duration;
        }
    }
}
