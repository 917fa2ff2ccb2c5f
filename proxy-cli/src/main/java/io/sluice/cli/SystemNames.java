package io.sluice.cli;

import java.net.spi.InetAddressResolver;
import java.net.spi.InetAddressResolverProvider;

/**
 * Makes this process resolve names through the system: the DNS library on the class path registers itself as the JDK's
 * resolver, and the JDK uses the first one, which is this. The JDK finds it through {@code META-INF/services}.
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
