package io.sluice.it.dns;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.RunningSluice;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Names and listeners come and go together. */
class NamesFollowIT {

    private static final String ZONE = ".default.svc.cluster.local";
    private static final int SERVICES = 10_000;
    private static final int ROUNDS = 4;

    @Test
    void a_name_that_is_answered_leads_to_an_open_port() throws Exception {
        try (RunningSluice sluice = new RunningSluice().service("fixed").dns().start();
                Query query = new Query(sluice.sluice().dnsAddresses().getFirst())) {
            sluice.with(Backend.named(sluice.address(1), "here"));
            for (int i = 0; i < 5; i++) {
                sluice.service("comes", sluice.address(1));
                Query.Reply reply = query.ask("comes" + ZONE);
                while (reply.rcode() == Query.NXDOMAIN) {
                    reply = query.ask("comes" + ZONE);
                }
                InetSocketAddress address = new InetSocketAddress(reply.last(), 80);
                try (Socket socket = new Socket()) {
                    socket.connect(address, 60_000);
                    assertThat(socket.getInputStream().readAllBytes()).asString().isEqualTo("here");
                }

                Files.delete(sluice.manifests().directory().resolve("comes.yaml"));
                await().pollInterval(Duration.ofMillis(1)).until(() -> refuses(address));
                assertThat(query.ask("comes" + ZONE).rcode()).isEqualTo(Query.NXDOMAIN);
            }
        }
    }

    @Test
    void a_broken_manifest_does_not_take_names_away() throws Exception {
        try (RunningSluice sluice = new RunningSluice().service("kubia").dns().start();
                Query query = new Query(sluice.sluice().dnsAddresses().getFirst())) {
            sluice.manifest("kubia.yaml", "kind: [");
            await().until(() -> sluice.metric("sluice_source_current") == 0);
            assertThat(query.ask("kubia" + ZONE).answers()).isEqualTo(1);
        }
    }

    @Test
    void ten_thousand_services_are_resolved_while_others_come_and_go() throws Exception {
        StringBuilder all = new StringBuilder();
        for (int i = 0; i < SERVICES; i++) {
            all.append("---\napiVersion: v1\nkind: Service\nmetadata: {name: s").append(i)
                    .append("}\nspec: {ports: [{name: http, port: 80}]}\n");
        }
        try (RunningSluice sluice = new RunningSluice().manifest("all.yaml", all.toString()).dns().start()) {
            InetSocketAddress server = sluice.sluice().dnsAddresses().getFirst();
            AtomicBoolean done = new AtomicBoolean();
            try (ExecutorService clients = Executors.newFixedThreadPool(2); Query query = new Query(server)) {
                Future<Integer> first = clients.submit(() -> askUntil(done, server, 1));
                Future<Integer> second = clients.submit(() -> askUntil(done, server, 2));
                for (int round = 0; round < ROUNDS; round++) {
                    String comes = "comes-" + round;
                    sluice.service(comes, sluice.address(1));
                    await().atMost(Duration.ofSeconds(60))
                            .until(() -> query.ask(comes + ZONE).rcode() == Query.NOERROR);
                    Files.delete(sluice.manifests().directory().resolve(comes + ".yaml"));
                }
                await().atMost(Duration.ofSeconds(60)).until(
                        () -> query.ask("comes-" + (ROUNDS - 1) + ZONE).rcode() == Query.NXDOMAIN);
                done.set(true);
                assertThat(first.get()).isPositive();
                assertThat(second.get()).isPositive();
            }
        }
    }

    private static int askUntil(AtomicBoolean done, InetSocketAddress server, long seed) throws IOException {
        Random random = new Random(seed);
        int asked = 0;
        try (Query query = new Query(server)) {
            while (!done.get()) {
                String name = "s" + random.nextInt(SERVICES) + ZONE;
                assertThat(query.ask(name).answers()).as(name).isEqualTo(1);
                asked++;
            }
        }
        return asked;
    }

    private static boolean refuses(InetSocketAddress address) {
        try (Socket socket = new Socket()) {
            socket.connect(address, 5_000);
            return false;
        } catch (IOException e) {
            return true;
        }
    }
}
