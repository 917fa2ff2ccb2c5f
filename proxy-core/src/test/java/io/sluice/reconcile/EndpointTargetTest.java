package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which endpoints an operator means by some words. */
class EndpointTargetTest {

    private static final ServicePortName API =
            new ServicePortName(new ServiceName("shop", "api"), "http", Protocol.TCP);

    @ParameterizedTest(name = "{0} means {2} at {1}: {3}")
    @CsvSource({"10.1.0.3:8080, 10.1.0.3, api-0, true", "10.1.0.3:80, 10.1.0.3, api-0, false",
            "10.1.0.3, 10.1.0.3, api-0, true", "10.1.0.4, 10.1.0.3, api-0, false", "fd00::3, fd00::3, api-0, true",
            "[fd00::3]:8080, fd00::3, api-0, true", "[fd00::3]:80, fd00::3, api-0, false",
            "[fd00::3], fd00::3, api-0, true", "api-0, 10.1.0.3, api-0, true", "api-1, 10.1.0.3, api-0, false",
            "shop/api-0, 10.1.0.3, api-0, true", "other/api-0, 10.1.0.3, api-0, false",
            "pod/api-0, 10.1.0.3, api-0, true", "10.1.0.3:0, 10.1.0.3, api-0, false",
            "10.1.0.3:99999, 10.1.0.3, api-0, false"})
    void an_address_or_a_pod_means_its_endpoints(String words, String ip, String pod, boolean meant) {
        assertThat(EndpointTarget.of(words).means(API,
                Endpoint.builder(new EndpointAddress(IpAddresses.parse(ip), 8080)).ready(true).target(pod).build()))
                .isEqualTo(meant);
    }
}
