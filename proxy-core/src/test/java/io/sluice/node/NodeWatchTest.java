package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class NodeWatchTest {

    private static long watches() {
        return Thread.getAllStackTraces().keySet().stream().filter(t -> t.getName().equals("sluice-node-watch"))
                .count();
    }

    @Test
    void a_watch_that_is_told_nothing_ends_when_it_is_closed() throws Exception {
        long before = watches();
        NodeWatch watch = NodeWatch.start((Set<NodeWatch.Change> changes) -> {});
        assertThat(watches()).isEqualTo(before + 1);
        watch.close();
        await().until(() -> watches() == before);
        watch.close();
    }
}
