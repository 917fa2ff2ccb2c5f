package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.spi.InetAddressResolverProvider;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

/** Whom the JDK asks for names. */
class SystemNamesTest {

    @Test
    void the_system_is_asked_and_not_the_dns_library() {
        ServiceLoader<InetAddressResolverProvider> offers = ServiceLoader.load(InetAddressResolverProvider.class);

        assertThat(offers.stream().map(offer -> offer.type().getName())).hasSizeGreaterThan(1).first()
                .isEqualTo(SystemNames.class.getName());
    }
}
