package io.sluice.operator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a line of JSON orders, and what is said of one that orders nothing. */
class OperatorCommandTest {

    private static OperatorCommand read(String json) {
        return OperatorCommand.read(json.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"order":"drain","target":"10.1.0.3:80"} | Give[target=10.1.0.3:80, service=null, kind=DRAIN, weight=0, lasts=null, resetAfter=null]
            {"order":"drain","target":"p","service":"api","namespace":"shop","forMillis":60000,"timeoutMillis":0} | Give[target=p, service=shop/api, kind=DRAIN, weight=0, lasts=PT1M, resetAfter=PT0S]
            {"order":"eject","target":"p","service":"api"} | Give[target=p, service=default/api, kind=EJECT, weight=0, lasts=null, resetAfter=null]
            {"order":"weight","target":"p","weight":7} | Give[target=p, service=null, kind=WEIGHT, weight=7, lasts=null, resetAfter=null]
            {"order":"weight","target":"p","weight":0} | TakeBack[target=p, service=null, weights=true]
            {"order":"undrain","target":"p"} | TakeBack[target=p, service=null, weights=false]
            {"order":"kill","id":7} | Kill[id=7, endpoint=null, client=null, clientPort=0, service=null]
            {"order":"kill","client":"10.0.0.9:99"} | Kill[id=0, endpoint=null, client=/10.0.0.9, clientPort=99, service=null]
            {"order":"kill","client":"[fd00::9]:99"} | Kill[id=0, endpoint=null, client=/fd00:0:0:0:0:0:0:9, clientPort=99, service=null]
            {"order":"kill","client":"fd00::9"} | Kill[id=0, endpoint=null, client=/fd00:0:0:0:0:0:0:9, clientPort=0, service=null]
            {"order":"log-level","level":"debug","logger":"io.sluice"} | Level[level=debug, logger=io.sluice, lasts=null]
            {"order":"access-log","access":"on"} | Access[on=true, lasts=null]
            {"order":"access-log","access":"off","forMillis":60000} | Access[on=false, lasts=PT1M]
            """)
    void a_line_is_an_order(String line, String order) {
        assertThat(read(line)).hasToString(order);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"order":"drain"}                             | the order does not say 'target'
            {"order":"weight","target":"p"}               | a weight is from 1 to 100
            {"order":"weight","target":"p","weight":101}  | a weight is from 1 to 100
            {"order":"drain","target":"p","forMillis":-1} | for: a duration is up to 365 days
            {"order":"kill"}                              | say which connections: by number, endpoint, client or Service
            {"order":"kill","client":"10.0.0.9:99999"}    | '99999' is no port
            {"order":"access-log","access":"maybe"}       | the access log is switched on or off
            {"order":"reboot"}                            | this daemon does not know the order 'reboot': is it of another version?
            7                                             | this daemon does not know the order '': is it of another version?
            """)
    void a_line_that_orders_nothing_says_why(String line, String message) {
        assertThatThrownBy(() -> read(line)).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }

    @Test
    void no_line_does_anything_but_order_or_say_why() {
        String[] pieces =
                {"{", "}", "\"order\"", ":", "\"drain\"", ",", "\"target\"", "\"kill\"", "\"client\"", "[", "1",
                        "\"\\u0000\"", "null", "\"forMillis\"", "1e99", "\"id\""};
        for (int seed = 0; seed < 3_000; seed++) {
            SplittableRandom dice = new SplittableRandom(seed);
            StringBuilder line = new StringBuilder();
            for (int i = dice.nextInt(12); i > 0; i--) {
                line.append(pieces[dice.nextInt(pieces.length)]);
            }
            try {
                assertThat(read(line.toString())).as("seed %s: %s", seed, line).isNotNull();
            } catch (IllegalArgumentException e) {
                assertThat(e.getMessage()).as("seed %s: %s", seed, line).isNotBlank();
            }
        }
    }
}
