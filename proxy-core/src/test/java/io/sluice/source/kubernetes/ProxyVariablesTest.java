package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The proxy that the environment names, as kubectl reads it. */
class ProxyVariablesTest {

    @ParameterizedTest(name = "{0} without a proxy for [{1}]: proxied {2}")
    @CsvSource(delimiter = '|', value = {"https://api.example.com:6443 | '' | true",
            "https://api.example.com:6443 | * | false", "https://api.example.com:6443 | example.com | false",
            "https://example.com:6443 | example.com | false", "https://example.com:6443 | .example.com | true",
            "https://api.example.com:6443 | .example.com | false",
            "https://api.example.com:6443 | *.example.com | false",
            "https://notexample.com:6443 | example.com | true",
            "https://API.Example.com:6443 | api.EXAMPLE.com | false",
            "https://api.example.com:6443 | a.org, api.example.com:6443 | false",
            "https://api.example.com:6443 | api.example.com:443 | true",
            "https://api.example.com | example.com:443 | false",
            "https://10.96.0.1 | 10.96.0.0/12 | false", "https://10.96.0.1 | 10.0.0.0/16 | true",
            "https://10.96.0.1 | 10.96.0.1 | false", "https://10.96.0.1:443 | 10.96.0.1:443 | false",
            "https://10.96.0.1 | 10.96.0.10 | true", "https://[fd00::1]:6443 | fd00::/8 | false",
            "https://[fd00::1]:6443 | fd00::1 | false", "https://[fd00::1]:6443 | [fd00::1]:6443 | false",
            "https://[fd00::1]:6443 | fd00::2 | true", "https://10.96.0.1 | nonsense/99,, | true",
            "https://127.0.0.1:6443 | '' | false", "https://[::1]:6443 | '' | false", "https://localhost | '' | false"})
    void no_proxy_decides_which_servers_are_asked_directly(URI server, String none, boolean proxied) {
        assertThat(
                ProxyVariables.proxyFor(server, Map.of("HTTPS_PROXY", "http://p:3128", "NO_PROXY", none)).isPresent())
                .isEqualTo(proxied);
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({"http://10.0.0.1:3128, http://10.0.0.1:3128", "10.0.0.1:3128, http://10.0.0.1:3128",
            "http://p, http://p:80", "p, http://p:80", "http://me:secret@p:1, http://me:secret@p:1"})
    void a_proxy_may_be_written_without_scheme_and_port(String value, String proxy) {
        assertThat(ProxyVariables.proxyFor(URI.create("https://a"), Map.of("HTTPS_PROXY", value)))
                .hasValue(URI.create(proxy));
    }

    @Test
    void each_scheme_has_its_own_and_upper_case_wins() {
        URI secure = URI.create("https://a");
        URI plain = URI.create("http://a");

        assertThat(ProxyVariables.proxyFor(plain, Map.of("HTTPS_PROXY", "http://p:1"))).isEmpty();
        assertThat(ProxyVariables.proxyFor(plain, Map.of("http_proxy", "http://p:1"))).isPresent();
        assertThat(ProxyVariables.proxyFor(secure, Map.of("https_proxy", "http://low:1", "HTTPS_PROXY", "http://up:1")))
                .hasValue(URI.create("http://up:1"));
        assertThat(ProxyVariables.proxyFor(secure, Map.of("https_proxy", "http://p:1", "no_proxy", "a"))).isEmpty();
        assertThat(ProxyVariables.proxyFor(secure, Map.of())).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"socks5://p:1", "https://p:1", "http://", "http://s3cret:x y@p"})
    void what_cannot_be_used_is_told_without_the_value(String value) {
        assertThatThrownBy(() -> ProxyVariables.proxyFor(URI.create("https://a"), Map.of("HTTPS_PROXY", value)))
                .isInstanceOf(IllegalArgumentException.class).hasMessageContaining("HTTPS_PROXY")
                .hasMessageNotContaining("s3cret");
    }
}
