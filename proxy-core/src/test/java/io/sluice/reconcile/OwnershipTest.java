package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a process may do while one daemon follows another. */
class OwnershipTest {

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', textBlock = """
            #                                                   | state   | applies | opens | closes | DNS   | repairs
            a new process that waits                            | STANDBY | false   | false | false  | false | false
            a new process that has the sockets as well          | SHARED  | true    | true  | false  | false | false
            a process that is alone                             | OWN     | true    | true  | true   | true  | true
            an old process that has offered its sockets         | OFFERED | true    | false | false  | true  | true
            an old process that has left the addresses of DNS   | YIELDED | true    | false | false  | false | true
            a process that has ended                            | ENDED   | false   | false | false  | false | false
            """)
    void each_state_says_what_is_allowed(String what, Ownership state, boolean applies, boolean opens, boolean closes,
            boolean dns, boolean repairs) {
        assertThat(state.applies()).as("applies").isEqualTo(applies);
        assertThat(state.opensListeners()).as("opens listeners").isEqualTo(opens);
        assertThat(state.closesListeners()).as("closes listeners").isEqualTo(closes);
        assertThat(state.answersDns()).as("answers DNS").isEqualTo(dns);
        assertThat(state.repairsAddresses()).as("repairs addresses").isEqualTo(repairs);
    }

    @ParameterizedTest
    @EnumSource
    void nothing_comes_after_the_end_and_before_it_every_state_does(Ownership next) {
        assertThat(Ownership.ENDED.then(next)).isEqualTo(Ownership.ENDED);
        assertThat(Ownership.OWN.then(next)).isEqualTo(next);
    }
}
