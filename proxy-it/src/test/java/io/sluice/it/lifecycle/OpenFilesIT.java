package io.sluice.it.lifecycle;

import static io.sluice.it.testbed.Script.script;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Gate;
import io.sluice.it.testbed.Script;
import io.sluice.it.testbed.ScriptedPeer;
import io.sluice.it.testbed.ScriptedServer;
import io.sluice.it.testbed.SluiceProcess;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A node that runs out of file descriptors. */
class OpenFilesIT {

    @Test
    void without_descriptors_it_says_so_keeps_what_it_has_and_serves_again_when_some_are_free() throws Exception {
        try (SluiceProcess sluice = new SluiceProcess()) {
            Gate over = new Gate();
            sluice.with(ScriptedServer.at(sluice.ip(1), script().send(10).await(over).send(10)));
            sluice.service("kubia", sluice.ip(1)).run(300, "--max-connections", "1000");
            List<ScriptedPeer> clients = new ArrayList<>();
            for (int i = 0; i < 200; i++) {
                clients.add(sluice.with(ScriptedPeer.client(sluice.address("kubia"),
                        script().then(new Script.Step.ReceiveToEndOrReset(1_000, Duration.ZERO)))));
            }
            sluice.awaitLine("raise the limit of open files");
            over.open();
            await().atMost(Duration.ofMinutes(1)).until(() -> clients.stream().allMatch(ScriptedPeer::done));
            assertThat(clients.stream().filter(client -> client.outcome().received() == 20).count()).isPositive();
            ScriptedPeer later = sluice.with(
                    ScriptedPeer.client(sluice.address("kubia"), script().receiveToEnd(20)));
            later.outcome();
            assertThat(sluice.running()).isTrue();
            assertThat(sluice.lines()).noneMatch(line -> line.contains("\tat "));
        }
    }
}
