package io.sluice.cli.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class ByteQuantityTest {

    @ParameterizedTest
    @CsvSource({"65536, 64Ki", "64Ki, 64Ki", "1Mi, 1Mi", "1024Ki, 1Mi", "1Gi, 1Gi", "5000, 5000"})
    void is_a_number_of_bytes_in_the_notation_of_kubernetes(String text, String shortest) {
        assertThat(new ByteQuantity.Unsent().convert(text)).hasToString(shortest);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "1.5Mi", "-1", "1MB", "64 Ki", "auto", "99999999999999999999"})
    void anything_else_is_refused_with_an_example(String text) {
        assertThatThrownBy(() -> new ByteQuantity.Unsent().convert(text)).isInstanceOf(TypeConversionException.class)
                .hasMessage("'" + text + "' is not a number of bytes like 65536, 64Ki, 128Mi or 1Gi");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "4095", "2Gi", "999999999999999Gi"})
    void what_is_out_of_range_is_refused_with_the_range(String text) {
        assertThatThrownBy(() -> new ByteQuantity.Unsent().convert(text)).isInstanceOf(TypeConversionException.class)
                .hasMessage("'" + text + "' is not from 4Ki to 1Gi");
    }

    @ParameterizedTest
    @CsvSource({"auto, auto", "128Mi, 128Mi", "64Gi, 64Gi"})
    void memory_may_be_left_to_sluice(String text, String shortest) {
        assertThat(new ByteQuantity.Memory().convert(text)).hasToString(shortest);
    }
}
