package io.sluice.cli.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine.TypeConversionException;

class GoDurationTest {

    @ParameterizedTest(name = "{0} is {1} ms, and is written {2}")
    @CsvSource({"0,0,0s", "0s,0,0s", "250ms,250,250ms", "30s,30000,30s", "5m,300000,5m", "1h30m,5400000,1h30m",
            "90m,5400000,1h30m", "1.5h,5400000,1h30m", "1500us,1,1ms", "1m0.5s,60500,1m500ms",
            "0.29s,290,290ms", "0.000001h,3,3ms", "0.1h0.1m,366000,6m6s", "1.999999999s,1999,1s999ms",
            "8760h,31536000000,8760h", "31536000000000000ns,31536000000,8760h"})
    void reads_and_writes_go_notation(String text, long millis, String written) {
        assertThat(GoDuration.parse(text)).isEqualTo(Duration.ofMillis(millis));
        assertThat(GoDuration.format(Duration.ofMillis(millis))).isEqualTo(written);
    }

    @ParameterizedTest(name = "''{0}'' is refused")
    @ValueSource(strings = {"", "5", "s", "5 s", "-5s", "5s ", "5d", "five", "1h30", "8761h", "8760h1ms",
            "999999999999999999h",
            "9999999999999999999999h", "1ns", "5s5"})
    void refuses_everything_else_and_names_it(String text) {
        assertThatThrownBy(() -> GoDuration.parse(text)).isInstanceOf(TypeConversionException.class)
                .hasMessageContaining("'" + text + "'").hasMessageNotContaining("\n");
    }
}
