package io.sluice.cli.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class BindAddressTest {

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource({"127.0.0.1:10249,127.0.0.1:10249", "[::1]:80,[::1]:80", ":8080,0.0.0.0:8080", "0.0.0.0:0,0.0.0.0:0",
            "'',''"})
    void reads_an_address_and_a_port(String text, String written) {
        assertThat(BindAddress.parse(text)).hasToString(written);
    }

    @ParameterizedTest(name = "{0} is refused")
    @ValueSource(strings = {"127.0.0.1", "10249", "localhost:80", "::1:80", "[127.0.0.1]:80", "127.0.0.1:65536",
            "127.0.0.1:-1", "127.0.0.1:x", "off"})
    void refuses_everything_else(String text) {
        assertThatThrownBy(() -> BindAddress.parse(text)).isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("'" + text + "'");
    }
}
