package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;

/** Orders of operators that the old process of a hand-over passes on. */
class OrderFormatFuzz {

    @FuzzTest(maxDuration = "10m")
    void orders_are_read_or_refused_with_a_reason(byte[] message) {
        try {
            assertThat(OrderFormat.read(message)).doesNotContainNull();
        } catch (IOException e) {
            assertThat(e.toString()).isNotBlank();
        }
    }
}
