package io.sluice.it.node;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.RunningSluice;
import java.io.IOException;
import org.junit.jupiter.api.Test;

class StopIT {

    @Test
    void a_drain_that_comes_after_the_end_says_so_and_fails_nobody() throws Exception {
        try (RunningSluice sluice = new RunningSluice()) {
            String pod = sluice.address(1);
            sluice.with(backend(pod));
            sluice.service("web", pod).start();
            sluice.sluice().close();
            assertThat(sluice.sluice().drain()).isFalse();
        }
    }

    private static Backend backend(String ip) throws IOException {
        return Backend.echo(ip);
    }
}
