package io.sluice.datagram;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.datagram.Flow.Phase;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PassedFlowTest {

    private static final FlowTimes TIMES = new FlowTimes(30, 180, 0);

    private static PassedFlow flow(String endpoint, Phase phase) {
        FlowKey key = new FlowKey();
        key.client(0xFE80L << 48, 7, 40_000);
        key.local(0, 0xFFFF_0A60_0001L, 53);
        return new PassedFlow(key, 3, "default/web:dns", new EndpointAddress(IpAddresses.parse(endpoint), 65_535),
                new FlowLife(phase, true, 2, 500, 20), 1L << 40, 9, -1, 1);
    }

    @Test
    void what_is_read_is_what_was_written() throws IOException {
        List<PassedFlow> flows = List.of(flow("10.1.2.3", Phase.UNANSWERED), flow("fd00::1", Phase.STREAM));
        assertThat(PassedFlow.decode(PassedFlow.encode(flows))).isEqualTo(flows);
        assertThat(PassedFlow.decode(PassedFlow.encode(List.of()))).isEmpty();
    }

    @Test
    void a_flow_goes_on_by_another_clock() {
        Flow flow = new Flow(flow("10.1.2.3", Phase.STREAM).key(), TIMES, 0);
        flow.resume(new FlowLife(Phase.STREAM, false, 0, 1000, 100), new EndpointAddress(IpAddresses.parse("::1"), 1),
                5000);
        assertThat(flow.began()).isEqualTo(4000);
        assertThat(flow.deadline()).isEqualTo(5000 - 100 + 180);
        assertThat(flow.life(5001)).isEqualTo(new FlowLife(Phase.STREAM, false, 0, 1001, 101));
    }

    @Test
    void a_message_of_another_version_or_a_broken_one_is_refused() {
        byte[] message = PassedFlow.encode(List.of(flow("10.1.2.3", Phase.ANSWERED), flow("fd00::1", Phase.STREAM)));
        byte[] later = message.clone();
        later[0] = 2;
        assertThatThrownBy(() -> PassedFlow.decode(later)).isInstanceOf(IOException.class).hasMessageContaining("2");
        for (int length = 0; length < message.length; length++) {
            byte[] cut = Arrays.copyOf(message, length);
            assertThatThrownBy(() -> PassedFlow.decode(cut)).isInstanceOf(IOException.class);
        }
        SplittableRandom random = new SplittableRandom(21);
        for (int i = 0; i < 20_000; i++) {
            byte[] broken = message.clone();
            broken[random.nextInt(broken.length)] = (byte) random.nextInt();
            try {
                assertThat(PassedFlow.decode(broken)).hasSizeLessThanOrEqualTo(2);
            } catch (IOException e) {
                assertThat(e).as("the only way to fail").isNotNull();
            }
        }
    }
}
