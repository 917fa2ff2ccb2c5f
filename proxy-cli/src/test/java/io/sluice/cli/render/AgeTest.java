package io.sluice.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AgeTest {

    @ParameterizedTest(name = "{0} is shown as {1}")
    @CsvSource({"PT0S,0s", "PT-5S,0s", "PT30S,30s", "PT119S,119s", "PT120S,2m", "PT5M30S,5m30s", "PT10M30S,10m",
            "PT2H59M,179m", "PT3H,3h", "PT3H5M,3h5m", "PT9H30M,9h", "PT47H,47h", "PT50H,2d2h", "P3D,3d", "P8DT5H,8d",
            "P729D,729d", "P730D,2y", "P740D,2y10d", "P3650D,10y"})
    void ages_look_as_in_kubectl(String age, String shown) {
        assertThat(Age.of(Duration.parse(age))).isEqualTo(shown);
    }

    @Test
    void an_age_is_the_time_between_two_moments() {
        assertThat(Age.between(Instant.EPOCH, Instant.EPOCH.plusSeconds(42))).isEqualTo("42s");
    }
}
