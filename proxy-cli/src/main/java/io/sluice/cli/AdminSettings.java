package io.sluice.cli;

import java.net.InetSocketAddress;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Settings of what shows the daemon's state over HTTP. */
final class AdminSettings {

    @Option(names = "--metrics-bind-address", paramLabel = "ADDRESS", defaultValue = "127.0.0.1:10249",
            converter = BindAddress.Converter.class,
            description = "Where /metrics and /api/v1 are served; empty for nowhere. Default: ${DEFAULT-VALUE}")
    private BindAddress metricsBindAddress;

    @Option(names = "--healthz-bind-address", paramLabel = "ADDRESS", defaultValue = "127.0.0.1:10256",
            converter = BindAddress.Converter.class,
            description = "Where /healthz, /livez and /readyz are served; empty for nowhere; may be the same. "
                    + "Default: ${DEFAULT-VALUE}")
    private BindAddress healthzBindAddress;

    @Option(names = "--bind-address-hard-fail", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "End with an error at the start when one of these two addresses is in use, instead of a "
                    + "warning. Default: ${DEFAULT-VALUE}")
    private boolean bindAddressHardFail;

    Optional<InetSocketAddress> metricsBindAddress() {
        return metricsBindAddress.address();
    }

    Optional<InetSocketAddress> healthzBindAddress() {
        return healthzBindAddress.address();
    }

    boolean bindAddressHardFail() {
        return bindAddressHardFail;
    }
}
