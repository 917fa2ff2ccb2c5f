package io.sluice.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.IpAddresses;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Who gives way to whom, with room for 4 connections of this node, 6 of others, and 3 of one other client. */
class AdmissionTest {

    /** Of the clock; near its overflow. */
    private static final long NOW = Long.MAX_VALUE - 5;

    private static final HttpLimits LIMITS =
            HttpLimits.builder().ownConnections(4).connections(6).connectionsPerClient(3).build();

    private record Connection(String name, Client client, boolean waitsForClient, boolean arriving, long since)
            implements
            Admission.Held {}

    /**
     * A connection is written {@code client:age}, in milliseconds, with {@code !} after it if it waits for us and
     * {@code t} if it is taking an answer; else its request is on its way. A client is
     * {@code n1} to {@code n9}, at an address of this node, or {@code a} to {@code z}, elsewhere.
     */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            the first                                              |                                         | a  | nobody
            there is room                                          | a:900 b:900 c:900                       | d  | nobody
            one client has its share: its oldest                   | a:300 a:900 a:500                       | a  | a:900
            the others have nothing to do with that                | b:9999 a:300 a:900 a:500                | a  | a:900
            this node's has no share, only a place                 | n1:300 n1:900 n1:500                    | n1 | nobody
            this node's places are taken: the oldest               | n1:300 n1:900 n1:500 n1:400             | n1 | n1:900
            by many of its addresses: the oldest                   | n1:300 n2:900 n3:500 n4:400             | n5 | n2:900
            others take nothing from this node                     | n1:900 n2:900 n3:900 n4:900             | a  | nobody
            nor this node from them                                | a:900 a:900 a:900 b:900 b:900 b:900     | n1 | nobody
            the places of others are taken: who has most           | a:300 a:400 a:500 b:9999 c:9999 d:9999  | e  | a:500
            two have most                                          | a:300 a:400 b:600 b:500 c:9999 d:9999   | e  | b:600
            all have one                                           | a:300 b:400 c:500 d:900 e:600 f:700     | g  | d:900
            who comes has most then                                | a:300 b:400 c:500 d:900 e:600 f:700     | a  | a:300
            who is being answered stays                            | a:9999! a:9999! a:260                   | a  | a:260
            most are being answered: the last of them              | a:9000! a:8000! a:240                   | a  | a:8000!
            most have only just come: the oldest of them           | a:9000! a:200 a:240                     | a  | a:240
            most are taking answers: who has only just come stays  | a:240 a:20t a:10t                        | a  | a:20t
            but not who takes it too slowly                        | a:20 a:240 a:300t                       | a  | a:300t
            who has only just come stays though it has most        | n1:10 n2:900 n3:800 n4:700              | n1 | n2:900
            all have just come: the oldest                         | a:1 a:3 a:2                             | a  | a:3
            """)
    void the_one_that_kept_us_waiting_longest_gives_way(String what, String open, String newcomer, String expected) {
        List<Connection> all = new ArrayList<>();
        if (open != null) {
            Arrays.stream(open.split(" +")).map(AdmissionTest::connection).forEach(all::add);
        }
        assertThat(Admission.givesWay(all, client(newcomer), LIMITS, NOW).map(Connection::name).orElse("nobody"))
                .isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            who is being answered or has just come stays | a:9000! a:100        | nobody
            the longest wait                             | a:300 n1:400 b:9000! | n1:400
            """)
    void for_a_descriptor_only_who_is_overdue_gives_way(String what, String open, String expected) {
        List<Connection> all = Arrays.stream(open.split(" +")).map(AdmissionTest::connection).toList();
        assertThat(Admission.mostOverdue(all, NOW).map(Connection::name).orElse("nobody")).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0} asks {1}, {2} asks {3}: the same client {4}, of this node {5}")
    @CsvSource({"10.0.0.1, 10.0.0.9, 10.0.0.1, 10.0.0.8, true, false",
            "10.0.0.1, 10.0.0.9, 10.0.0.2, 10.0.0.9, false, false",
            "127.0.0.1, 127.0.0.1, 127.0.0.2, 127.0.0.1, false, true", "::1, ::1, ::1, ::1, true, true",
            "10.0.0.9, 10.0.0.9, 10.0.0.9, 10.0.0.9, true, true",
            "2001:db8::1, 2001:db8:1::9, 2001:db8::ffff:1, 2001:db8:1::9, true, false",
            "2001:db8::1, 2001:db8:1::9, 2001:db8:0:1::1, 2001:db8:1::9, false, false",
            "2001:db8::9, 2001:db8::9, 2001:db8::9, 2001:db8::9, true, true",
            "::ffff:127.0.0.1, ::ffff:127.0.0.1, 127.0.0.1, 127.0.0.1, true, true"})
    void a_client_is_an_address_or_a_64(String peer, String local, String otherPeer, String otherLocal, boolean same,
            boolean own) {
        Client one = Client.of(IpAddresses.parse(peer), IpAddresses.parse(local));
        assertThat(one.equals(Client.of(IpAddresses.parse(otherPeer), IpAddresses.parse(otherLocal)))).isEqualTo(same);
        assertThat(one.ownNode()).isEqualTo(own);
    }

    private static Connection connection(String text) {
        String[] parts = text.replaceAll("[!t]", "").split(":", 2);
        return new Connection(text, client(parts[0]), !text.contains("!"), !text.matches(".*[!t]"),
                NOW - TimeUnit.MILLISECONDS.toNanos(Long.parseLong(parts[1])));
    }

    private static Client client(String name) {
        return new Client(name.startsWith("n") && name.length() > 1, false, name.hashCode());
    }

    @Test
    void while_the_loop_cannot_run_nobody_keeps_it_waiting() {
        LoopClock clock = new LoopClock(NOW);
        long begin = clock.now(NOW);
        long stalled = NOW + TimeUnit.SECONDS.toNanos(3);

        assertThat(clock.now(stalled) - begin).isEqualTo(LoopClock.TICK_NANOS);
        clock.tick(stalled);
        assertThat(clock.now(stalled + 7) - begin).isEqualTo(LoopClock.TICK_NANOS + 7);
    }
}
