package io.sluice.connection;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.connection.ConnectionMachine.Phase;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * The rules one by one. {@code refuses} stands for a failed write; the limits are those of {@link MachineScript}: 100 ns
 * to connect, 2 retries, idle after 1000 ns, half-closed and idle after 500 ns, 50 ns to flush, 10 bytes of buffer.
 */
class ConnectionMachineTest {

    @Test
    void the_client_is_read_and_an_endpoint_asked_for_at_once() {
        assertThat(new MachineScript().play("start").actions()).isEqualTo("read client, connect");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            the backend is read as soon as it is connected               | connected                                                     | read backend
            bytes sent early are no reason to wait                       | client sends 3, connected, backend gets 3                     | read backend
            what the client sends early is bounded                       | client sends 9, client sends 9                                | pause client
            reading goes on once half of the bound is delivered          | client sends 10, connected, backend gets 4, backend gets 1    | pause client, read backend, read client
            a FIN while connecting is relayed after connecting           | client finishes, connected                                    | read backend, finish backend
            a FIN while connecting is relayed after the bytes before it  | client sends 3, client finishes, connected, backend gets 3    | read backend, finish backend
            a FIN while connecting does not end the attempt              | client finishes, refused                                      | connect
            a reset while connecting cancels the attempt                 | client resets                                                 | cancel, close client, CLIENT_ABORTED_CONNECTING
            a reset while connecting comes after the bytes before it     | client sends 3, client resets, connected, backend gets 3      | read backend, reset client, reset backend after delivery, CLIENT_ABORTED
            a reset while connecting does not end the attempt for bytes  | client sends 3, client resets, refused                        | connect
            such bytes wait no longer than an attempt                    | client sends 3, client resets, 100 ns pass                    | cancel, close client, CLIENT_ABORTED_CONNECTING
            such bytes may find no endpoint                              | client sends 3, client resets, no endpoint                    | reset client, NO_ENDPOINT
            an answer after the end is too late                          | client resets, connected, refused, no endpoint                | cancel, close client, CLIENT_ABORTED_CONNECTING
            a refused attempt is repeated at once                        | refused                                                       | connect
            an unreachable host is passed over                           | unreachable                                                   | connect
            a want of local ports towards one address is passed over     | no local port                                                 | connect
            retries are bounded                                          | refused, refused, refused                                     | connect, connect, reset client, BACKEND_REFUSED
            an attempt has its time                                      | 99 ns pass                                                    | nothing
            an attempt without an answer is repeated elsewhere           | 100 ns pass                                                   | cancel, connect
            each attempt has the whole time                              | 99 ns pass, refused, 99 ns pass                               | connect
            attempts without an answer are bounded too                   | 100 ns pass, 100 ns pass, 100 ns pass                         | cancel, connect, cancel, connect, cancel, reset client, BACKEND_CONNECT_TIMED_OUT
            the last failure counts: refused                             | unreachable, 100 ns pass, refused                             | connect, cancel, connect, reset client, BACKEND_REFUSED
            the last failure counts: unreachable                         | refused, refused, unreachable                                 | connect, connect, reset client, BACKEND_REFUSED
            the last failure counts: no answer                           | refused, refused, 100 ns pass                                 | connect, connect, cancel, reset client, BACKEND_CONNECT_TIMED_OUT
            the last failure counts: no local port                       | refused, refused, no local port                               | connect, connect, reset client, LOCAL_RESOURCES
            a local failure is not repeated                              | no descriptor                                                 | reset client, LOCAL_RESOURCES
            without an endpoint the client is reset                      | no endpoint                                                   | reset client, NO_ENDPOINT
            without a further endpoint the last failure counts           | refused, no endpoint                                          | connect, reset client, BACKEND_REFUSED
            without a further endpoint a timeout counts                  | 100 ns pass, no endpoint                                      | cancel, connect, reset client, BACKEND_CONNECT_TIMED_OUT
            killed while connecting                                      | killed                                                        | cancel, reset client, KILLED_CONNECTING
            ended by an operator then                                    | ordered                                                       | cancel, reset client, ORDERED_CONNECTING
            a drain does not end an attempt                              | drain until 50, 49 ns pass                                    | nothing
            a drain ends an attempt at its deadline                      | drain until 50, 50 ns pass                                    | cancel, reset client, KILLED_CONNECTING
            a second drain can only hasten                               | drain until 50, drain until 70, 50 ns pass                    | cancel, reset client, KILLED_CONNECTING
            connecting is never idle                                     | client sends 1, 99 ns pass, refused, 99 ns pass, refused      | connect, connect
            """)
    void while_connecting(String rule, String events, String actions) {
        MachineScript script = new MachineScript().play("start");
        script.actions();
        assertThat(script.play(events).actions()).isEqualTo(actions);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            bytes that are taken at once need nothing                    | client sends 9, backend gets 9, backend sends 9, client gets 9 | nothing
            a slow backend stops reading from the client only            | client sends 10, backend sends 9                             | pause client
            a slow client stops reading from the backend only            | backend sends 10, client sends 9                             | pause backend
            the read that crosses the bound is kept whole                | client sends 30, backend gets 24, backend gets 1             | pause client, read client
            reading is not resumed twice                                 | client sends 10, backend gets 5, backend gets 5              | pause client, read client
            a side that has finished is not read again                   | client sends 10, client finishes, backend gets 9             | pause client
            an end is relayed                                            | client finishes                                              | finish backend
            an end is relayed after all before it                        | backend sends 3, backend finishes, client gets 2             | nothing
            an end is relayed with the last byte before it               | backend sends 3, backend finishes, client gets 2, client gets 1 | finish client
            an end is relayed once                                       | client finishes, client finishes                             | finish backend
            the other direction goes on after an end                     | client finishes, backend sends 9, client gets 9              | finish backend
            both ends close                                              | client finishes, backend finishes                            | finish backend, close client, close backend, NORMAL
            both ends close after the last byte                          | client finishes, backend sends 2, backend finishes, client gets 2 | finish backend, close client, close backend, NORMAL
            an end at the last moment is not relayed before closing      | client sends 2, backend finishes, client finishes, backend gets 2 | finish client, close client, close backend, NORMAL
            nothing happens after the end                                | client finishes, backend finishes, client resets, backend refuses, killed, client sends 1, client gets 1, 9999 ns pass | finish backend, close client, close backend, NORMAL
            a reset by the client is relayed                             | client resets                                                | reset client, reset backend after delivery, CLIENT_ABORTED
            a reset by the backend is relayed                            | backend resets                                               | reset backend, reset client after delivery, BACKEND_ABORTED
            a reset after an end                                         | client finishes, client resets                               | finish backend, reset client, reset backend after delivery, CLIENT_ABORTED_LAST
            a reset after the other's end                                | client finishes, backend resets                              | finish backend, reset backend, reset client after delivery, BACKEND_ABORTED_LAST
            what was read before a reset is delivered before it          | backend sends 3, backend resets, client gets 2               | nothing
            and then the reset                                           | backend sends 3, backend resets, client gets 3               | reset backend, reset client after delivery, BACKEND_ABORTED
            what was underway to the one that reset is dropped           | client sends 3, backend resets                               | reset backend, reset client after delivery, BACKEND_ABORTED
            a reset waits for what the kernel hands over late            | backend sends 1, backend resets, backend sends 2, client gets 1, client gets 2 | reset backend, reset client after delivery, BACKEND_ABORTED
            flushing is bounded                                          | backend sends 3, backend resets, 49 ns pass                  | nothing
            flushing is bounded to the nanosecond                        | backend sends 3, backend resets, 50 ns pass                  | reset client, reset backend, BACKEND_ABORTED
            a delivery does not prolong flushing                         | backend sends 3, backend resets, 49 ns pass, client gets 1, 1 ns pass | reset client, reset backend, BACKEND_ABORTED
            a delivery while flushing does not resume reading            | backend sends 10, backend resets, client gets 9              | pause backend
            an end while flushing changes nothing                        | backend sends 3, backend resets, client finishes, client gets 3 | reset backend, reset client after delivery, BACKEND_ABORTED
            the second report of a reset changes nothing                 | backend sends 3, backend resets, backend resets, backend finishes, client gets 3 | reset backend, reset client after delivery, BACKEND_ABORTED
            a reset by the other ends flushing                           | backend sends 3, backend resets, client resets               | reset client, reset backend, BACKEND_ABORTED
            a failed write ends flushing                                 | backend sends 3, backend resets, client refuses              | reset client, reset backend, BACKEND_ABORTED
            after a failed write the answer is still read                | client sends 1, backend refuses, backend sends 3, client gets 3 | nothing
            an end after a failed write counts as a reset                | client sends 1, backend refuses, backend finishes            | reset backend, reset client after delivery, BACKEND_ABORTED
            an error after a failed write is that reset                  | client sends 1, backend refuses, backend resets              | reset backend, reset client after delivery, BACKEND_ABORTED
            the answer before that end is delivered                      | client sends 1, backend refuses, backend sends 3, backend finishes, client gets 3 | reset backend, reset client after delivery, BACKEND_ABORTED
            a write that fails twice fails once                          | client sends 1, backend refuses, backend refuses             | nothing
            a failed write after the end of that side is a reset         | backend finishes, client sends 1, backend refuses            | finish client, reset backend, reset client after delivery, BACKEND_ABORTED_LAST
            writes that fail both ways end at once                       | client sends 1, backend sends 1, backend refuses, client refuses | reset client, reset backend, BACKEND_ABORTED
            the first of two resets counts                               | client sends 1, backend refuses, client resets               | reset client, reset backend, BACKEND_ABORTED
            a reader that waits for room goes on, to drop what it reads  | client sends 10, backend refuses                             | pause client, read client
            a late report changes nothing for a broken sink              | client sends 10, backend refuses, backend gets 9             | pause client, read client
            killed                                                       | killed                                                       | reset client, reset backend, KILLED
            ended by an operator                                         | ordered                                                      | reset client, reset backend, ORDERED
            killed with something undelivered                            | backend sends 3, killed                                      | reset client, reset backend, KILLED
            killed while half-closed                                     | client finishes, killed                                      | finish backend, reset client, reset backend, KILLED
            killed while flushing                                        | backend sends 3, backend resets, killed                      | reset client, reset backend, KILLED
            a drain lets a connection go on                              | drain until 300, 299 ns pass, client sends 1                 | nothing
            a drain ends a busy connection at its deadline               | drain until 300, 299 ns pass, client sends 1, 1 ns pass      | reset client, reset backend, KILLED
            an idle timeout comes before a later drain                   | drain until 2000, 1000 ns pass                               | reset client, reset backend, BACKEND_IDLE
            not idle before its time                                     | 999 ns pass                                                  | nothing
            idle after the client sent: the backend is silent            | client sends 1, backend gets 1, 1000 ns pass                 | reset client, reset backend, BACKEND_IDLE
            idle after the backend sent: the client is silent            | backend sends 1, client gets 1, 1000 ns pass                 | reset client, reset backend, CLIENT_IDLE
            idle because the client does not read                        | backend sends 1, client sends 1, backend gets 1, 1000 ns pass | reset client, reset backend, CLIENT_IDLE
            idle because the backend does not read                       | client sends 1, backend sends 1, client gets 1, 1000 ns pass | reset client, reset backend, BACKEND_IDLE
            a byte read begins the idle time anew                        | 999 ns pass, client sends 1, 999 ns pass                     | nothing
            a byte delivered begins the idle time anew                   | client sends 1, 999 ns pass, backend gets 1, 999 ns pass     | nothing
            half-closed connections have less patience                   | client finishes, 499 ns pass                                 | finish backend
            half-closed, waiting for the backend                         | client finishes, 500 ns pass                                 | finish backend, reset client, reset backend, BACKEND_IDLE_LAST
            half-closed, waiting for the client                          | backend finishes, 500 ns pass                                | finish client, reset client, reset backend, CLIENT_IDLE_LAST
            half-closed, and the one that finished does not read         | client finishes, backend sends 1, 500 ns pass                | finish backend, reset client, reset backend, CLIENT_IDLE_LAST
            both finished, and the client does not read                  | client finishes, backend sends 1, backend finishes, 500 ns pass | finish backend, reset client, reset backend, CLIENT_IDLE_LAST
            both finished, and the backend does not read                 | client sends 1, client finishes, backend finishes, 500 ns pass | finish client, reset client, reset backend, BACKEND_IDLE_LAST
            a byte begins the half-closed idle time anew                 | client finishes, 499 ns pass, backend sends 1, 499 ns pass   | finish backend
            after a failed write the other side has the flush timeout    | client sends 1, backend refuses, backend sends 3, 49 ns pass | nothing
            and both are reset then                                      | client sends 1, backend refuses, backend sends 3, 50 ns pass | reset client, reset backend, BACKEND_ABORTED
            what the other side takes begins that time anew              | client sends 1, backend refuses, backend sends 3, 49 ns pass, client gets 1, 49 ns pass | nothing
            what it sends does not                                       | client sends 1, backend refuses, 49 ns pass, client sends 1, 1 ns pass | reset client, reset backend, BACKEND_ABORTED
            its end is not relayed to the one that was reset             | client sends 1, backend refuses, client finishes             | nothing
            a failed write after an end                                  | client finishes, backend sends 1, client refuses             | finish backend, reset client, reset backend after delivery, CLIENT_ABORTED_LAST
            a dead backend is read to its end first                      | backend dies, backend sends 3, client gets 3                 | nothing
            and the client is reset after what came of it                | backend dies, backend sends 3, client gets 3, backend finishes | reset backend, reset client after delivery, BACKEND_DEAD
            a dead client                                                | client dies, client finishes                                 | reset client, reset backend after delivery, CLIENT_DEAD
            a dead client that had finished                              | client finishes, client dies                                 | finish backend, reset client, reset backend after delivery, CLIENT_DEAD
            a dead backend of which the kernel tells                     | backend dies, backend resets                                 | reset backend, reset client after delivery, BACKEND_DEAD
            a dead backend and a client that does not read               | backend sends 3, backend dies, 50 ns pass                    | reset client, reset backend, BACKEND_DEAD
            a dead backend and a client that resets                      | backend dies, client resets                                  | reset client, reset backend, BACKEND_DEAD
            a client that dies after the backend was reset               | backend sends 3, backend resets, client dies                 | reset client, reset backend, BACKEND_ABORTED
            while flushing the other side is read, to be dropped         | client sends 10, backend sends 3, backend resets             | pause client, read client
            """)
    void once_connected(String rule, String events, String actions) {
        MachineScript script = new MachineScript().play("start, connected");
        script.actions();
        assertThat(script.play(events).actions()).isEqualTo(actions);
    }

    @ParameterizedTest(name = "{0}: {2}")
    @CsvSource(delimiter = '|', textBlock = """
            the first attempt                        | start                                                       | 100
            the second attempt                       | start, 30 ns pass, refused                                  | 130
            an early byte does not prolong it        | start, 30 ns pass, client sends 1                           | 100
            established                              | start, 30 ns pass, connected                                | 1030
            a byte later                             | start, connected, 70 ns pass, client sends 1                | 1070
            half-closed                              | start, connected, 70 ns pass, client finishes               | 570
            connected after the client's end         | start, client finishes, 70 ns pass, connected               | 570
            flushing                                 | start, connected, 70 ns pass, client sends 1, client resets | 120
            draining                                 | start, connected, drain until 400, 70 ns pass               | 400
            draining, but idle before                | start, connected, drain until 4000                          | 1000
            over                                     | start, no endpoint                                          | 9223372036854775807
            over while draining                      | start, drain until 70, no endpoint                          | 9223372036854775807
            """)
    void the_deadline_of(String state, String events, long deadline) {
        assertThat(new MachineScript().play(events).machine().deadline()).isEqualTo(deadline);
    }

    @Test
    void without_an_idle_timeout_only_half_closed_connections_have_a_deadline() {
        MachineScript script = new MachineScript(new ConnectionLimits(100, 2, Long.MAX_VALUE, 500, 50, 10));
        script.play("start, 7 ns pass, connected, client sends 1");
        assertThat(script.machine().deadline()).isEqualTo(Long.MAX_VALUE);
        assertThat(script.play("client finishes").machine().deadline()).isEqualTo(507);
    }

    @Test
    void an_idle_timeout_below_the_half_close_timeout_holds_for_half_closed_connections_too() {
        MachineScript script = new MachineScript(new ConnectionLimits(100, 2, 200, 500, 50, 10));
        assertThat(script.play("start, connected, client finishes").machine().deadline()).isEqualTo(200);
    }

    @Test
    void without_retries_the_first_failure_is_the_last() {
        MachineScript script = new MachineScript(new ConnectionLimits(100, 0, 200, 500, 50, 10));
        assertThat(script.play("start, refused").actions())
                .isEqualTo("read client, connect, reset client, BACKEND_REFUSED");
    }

    @ParameterizedTest(name = "{0}: {2}")
    @CsvSource(delimiter = '|', textBlock = """
            connected at once        | connected                     | 0
            connected at the second  | refused, connected            | 1
            all refused              | refused, refused, refused     | 2
            none at all              | no endpoint                   | 0
            only one, and it refused | refused, no endpoint          | 0
            two, and both refused    | refused, refused, no endpoint | 1
            """)
    void retries_count_endpoints_tried_beyond_the_first(String rule, String events, int retries) {
        assertThat(new MachineScript().play("start").play(events).machine().retries()).isEqualTo(retries);
    }

    @Test
    void bytes_that_have_nowhere_to_go_are_dropped() {
        ConnectionMachine machine =
                new MachineScript().play("start, connected, client sends 3, client resets").machine();
        assertThat(machine.phase()).isEqualTo(Phase.FLUSHING);
        assertThat(machine.received(Side.BACKEND, 1, 0)).isFalse();
        assertThat(machine.received(Side.CLIENT, 1, 0)).isTrue();

        machine = new MachineScript().play("start, connected, client sends 1, backend refuses").machine();
        assertThat(machine.received(Side.CLIENT, 1, 0)).isFalse();
        assertThat(machine.received(Side.BACKEND, 1, 0)).isTrue();
        assertThat(machine.buffered(Side.CLIENT)).isZero();

        machine = new MachineScript().play("start, no endpoint").machine();
        assertThat(machine.received(Side.CLIENT, 1, 0)).isFalse();
    }

    @Test
    void bytes_are_counted_each_way() {
        ConnectionMachine machine = new MachineScript()
                .play("start, client sends 3, connected, client sends 4, backend gets 5, backend sends 2, client gets 1")
                .machine();
        assertThat(machine.receivedFrom(Side.CLIENT)).isEqualTo(7);
        assertThat(machine.deliveredTo(Side.BACKEND)).isEqualTo(5);
        assertThat(machine.buffered(Side.CLIENT)).isEqualTo(2);
        assertThat(machine.receivedFrom(Side.BACKEND)).isEqualTo(2);
        assertThat(machine.deliveredTo(Side.CLIENT)).isEqualTo(1);
        assertThat(machine.buffered(Side.BACKEND)).isEqualTo(1);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            start                                               | CONNECTING
            start, connected                                    | ESTABLISHED
            start, client finishes, connected                   | HALF_CLOSED
            start, connected, backend finishes                  | HALF_CLOSED
            start, connected, client sends 1, backend refuses   | HALF_CLOSED
            start, connected, backend sends 1, backend resets   | FLUSHING
            start, connected, backend resets                    | CLOSED
            start, no endpoint                                  | CLOSED
            """)
    void events_lead_to_the_phase(String events, Phase phase) {
        assertThat(new MachineScript().play(events).machine().phase()).isEqualTo(phase);
    }

    @Test
    void the_side_that_finished_is_known() {
        assertThat(new MachineScript().play("start, connected, client finishes").machine().finishedSide())
                .isEqualTo(Side.CLIENT);
        assertThat(new MachineScript().play("start, connected, backend finishes").machine().finishedSide())
                .isEqualTo(Side.BACKEND);
    }

    @Test
    void a_timer_that_fires_early_does_nothing() {
        MachineScript script = new MachineScript().play("start, connected");
        script.actions();
        script.machine().timer(script.now());
        assertThat(script.actions()).isEqualTo("nothing");
    }

    @Test
    void termination_codes_are_two_letters_and_unlike() {
        List<String> codes = Arrays.stream(Termination.values()).map(Termination::code).toList();
        assertThat(codes).doesNotHaveDuplicates().allMatch(code -> code.matches("--|[CSPRKOcs][CDL]|[cs]A|[-RiFO]N"));
        assertThat(Arrays.stream(Termination.values()).map(Termination::meaning).collect(Collectors.toSet()))
                .hasSameSizeAs(codes);
        assertThat(Termination.NO_ENDPOINT.code()).isEqualTo("PC");
        assertThat(Termination.LOCAL_RESOURCES.code()).isEqualTo("RC");
    }
}
