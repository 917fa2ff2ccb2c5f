package io.sluice.cli;

import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;

/**
 * Keeps this process's own look-ups of names with the system: the DNS library on the class path offers itself to the
 * JDK for them, and the JDK takes the first offer, which is this one. Found by the JDK through {@code META-INF/services}.
 */
public final class SystemNames extends InetAddressResolverProvider {

    /** For the JDK. */
    public SystemNames() {}

    @Override
    public InetAddressResolver get(Configuration configuration) {
        return configuration.builtinResolver();
    }

    @Override
    public String name() {
        return "system";
    }
}
