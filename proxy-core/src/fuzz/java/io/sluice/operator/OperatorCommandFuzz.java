package io.sluice.operator;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

/** A line that comes over the socket of operators. */
class OperatorCommandFuzz {

    @FuzzTest(maxDuration = "10m")
    void a_line_is_an_order_or_refused_with_a_reason(byte[] line) {
        try {
            assertThat(OperatorCommand.read(line)).isNotNull();
        } catch (IllegalArgumentException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }
}
