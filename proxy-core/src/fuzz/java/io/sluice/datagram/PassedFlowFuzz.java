package io.sluice.datagram;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.util.List;

/** Flows that the old process of a hand-over passes on. */
class PassedFlowFuzz {

    @FuzzTest(maxDuration = "10m")
    void flows_are_read_as_they_were_written_or_refused_with_a_reason(byte[] message) {
        List<PassedFlow> flows;
        try {
            flows = PassedFlow.decode(message);
        } catch (IOException e) {
            return;
        }
        try {
            assertThat(PassedFlow.decode(PassedFlow.encode(flows))).isEqualTo(flows);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
