package io.sluice.connection;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A look is {@code time:what}, and the limit is 45. */
class PeerSilenceTest {

    private static final long LIMIT = 45;

    /**
     * {@code N} is that nothing is awaited, {@code A3/7} that something is, was sent again 3 times, and that the peer was
     * last heard 7 before.
     */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            nothing is awaited                                          | 0:N 50:N 100:N                           | alive
            something was sent a moment ago after an hour of silence    | 0:N 5:A0/3600                            | alive
            nothing comes, but not for long enough                      | 0:A0/9 5:A3/14 44:A8/53                  | alive
            nothing comes for the limit                                 | 0:A0/9 5:A3/14 45:A8/54                  | dead
            the limit begins when it is first seen                      | 0:N 10:A1/90 54:A8/134                   | alive
            the limit begins when it is first seen and passes           | 0:N 10:A1/90 55:A8/135                   | dead
            an acknowledgement of anything begins it anew               | 0:A0/9 40:A8/1 80:A8/41                  | alive
            an acknowledgement of anything begins it anew and it passes | 0:A0/9 40:A8/1 85:A8/46                  | dead
            an answer begins it anew                                    | 0:A0/9 40:N 45:A0/5 85:A8/45             | alive
            a slow reader answers each probe                            | 0:N 60:A1/60 65:N 180:A1/115 185:N       | alive
            a slow reader is looked at while a probe is under way       | 0:N 120:A1/120 240:A1/119 360:A1/119     | alive
            an answer to a probe is lost                                | 0:N 120:A1/120 165:A1/165 240:A2/240     | alive
            a slow reader has gone                                      | 0:N 120:A1/120 165:A1/165 240:A2/240 360:A3/360 | dead
            all of us stood still, and its answer is not yet read       | 0:A0/9 100:A1/109                        | alive
            """)
    void a_peer_is_dead_that_answers_nothing_for_the_limit(String what, String looks, String expected) {
        PeerSilence silence = new PeerSilence();
        boolean dead = false;
        for (String look : looks.split(" ", -1)) {
            assertThat(dead).as("dead before " + look).isFalse();
            dead = look(silence, look);
        }
        assertThat(dead).isEqualTo(expected.equals("dead"));
    }

    @Test
    void a_peer_that_was_dead_and_answers_is_alive_again() {
        PeerSilence silence = new PeerSilence();
        assertThat(look(silence, "0:A0/9")).isFalse();
        assertThat(look(silence, "50:A8/59")).isTrue();
        assertThat(look(silence, "55:N")).isFalse();
        assertThat(look(silence, "60:A1/5")).isFalse();
    }

    private static boolean look(PeerSilence silence, String look) {
        String[] words = look.split("[:A/]+", -1);
        long now = Long.parseLong(words[0]);
        return words[1].equals("N")
                ? silence.isTooLong(false, 0, now, now, LIMIT)
                : silence.isTooLong(true, Integer.parseInt(words[1]), now - Long.parseLong(words[2]), now, LIMIT);
    }
}
