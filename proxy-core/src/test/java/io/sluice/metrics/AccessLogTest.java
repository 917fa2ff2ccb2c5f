package io.sluice.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** One line for each closed connection. */
class AccessLogTest {

    private static final ServicePortName HTTP =
            new ServicePortName(new ServiceName("default", "kubia"), "http", Protocol.TCP);
    private static final ClosedConnection SERVED = new ClosedConnection(socket("10.0.0.9", 51324), HTTP,
            socket("10.96.0.1", 80), new EndpointAddress(IpAddresses.parse("10.1.0.3"), 8080), 412_300, 25_103_000, 78,
            1024, 1, "--", false);
    private static final ClosedConnection REFUSED = new ClosedConnection(socket("fd00::9", 51324), HTTP,
            socket("fd00::1", 80), null, -1, 2_000_000, 0, 0, 0, "SC", false);

    private final Logger logger = (Logger) LoggerFactory.getLogger(AccessLog.LOGGER);
    private final ListAppender<ILoggingEvent> appender = new ListAppender<>();

    @BeforeEach
    void listen() {
        logger.setLevel(Level.INFO);
        logger.setAdditive(false);
        appender.start();
        logger.addAppender(appender);
    }

    @AfterEach
    void forget() {
        logger.detachAppender(appender);
        logger.setLevel(null);
        logger.setAdditive(true);
    }

    @Test
    void text_has_everything_in_the_message() {
        AccessLog log = AccessLog.text();
        log.log(SERVED);
        log.log(REFUSED);

        assertThat(appender.list).extracting(ILoggingEvent::getFormattedMessage).containsExactly(
                "10.0.0.9:51324 default/kubia:http 10.96.0.1:80 -> 10.1.0.3:8080 0.412/25.103 ms 78/1024 B 1 retry --",
                "[fd00::9]:51324 default/kubia:http [fd00::1]:80 -> - -/2.000 ms 0/0 B 0 retries SC");
    }

    /** The document has no field that a line has not. */
    @Test
    void the_fields_of_a_line_are_those_that_are_documented_in_their_order() {
        AccessLog.fields().log(new ClosedConnection(socket("10.0.0.9", 51324), HTTP, socket("10.96.0.1", 80),
                new EndpointAddress(IpAddresses.parse("10.1.0.3"), 8080), 1, 2, 3, 4, 5, "--", true));
        assertThat(appender.list.getFirst().getKeyValuePairs().stream().map(pair -> pair.key))
                .containsExactlyElementsOf(Arrays.stream(AccessField.values()).map(AccessField::key).toList());
    }

    @Test
    void fields_have_everything_in_key_value_pairs() {
        AccessLog.fields().log(SERVED);

        ILoggingEvent event = appender.list.getFirst();
        assertThat(event.getFormattedMessage()).isEqualTo("connection closed");
        assertThat(event.getKeyValuePairs().stream().map(pair -> pair.key + "=" + pair.value)
                .collect(Collectors.joining(" ")))
                .isEqualTo("client=10.0.0.9:51324 namespace=default service=kubia port=http listener=10.96.0.1:80"
                        + " endpoint=10.1.0.3:8080 connectMs=0.412 totalMs=25.103 bytesFromClient=78"
                        + " bytesFromBackend=1024 retries=1 termination=--");
    }

    @Test
    void it_is_told_that_an_endpoint_saw_this_nodes_address() {
        ClosedConnection masqueraded = new ClosedConnection(SERVED.client(), HTTP, SERVED.listener(), SERVED.endpoint(),
                412_300, 25_103_000, 78, 1024, 0, "--", true);
        AccessLog.text().log(masqueraded);
        AccessLog.fields().log(masqueraded);

        assertThat(appender.list.getFirst().getFormattedMessage()).endsWith("0 retries -- masqueraded");
        assertThat(appender.list.getLast().getKeyValuePairs())
                .anyMatch(pair -> pair.key.equals("masqueraded") && Boolean.TRUE.equals(pair.value));
    }

    @Test
    void fields_that_there_are_none_of_are_left_out() {
        AccessLog.fields().log(REFUSED);

        assertThat(appender.list.getFirst().getKeyValuePairs()).extracting(pair -> pair.key)
                .doesNotContain("endpoint", "connectMs").contains("totalMs", "termination");
    }

    @Test
    void off_or_below_the_level_nothing_is_written() {
        AccessLog.off().log(SERVED);
        assertThat(AccessLog.off().enabled()).isFalse();
        assertThat(AccessLog.text().enabled()).isTrue();

        logger.setLevel(Level.WARN);
        AccessLog.text().log(SERVED);
        assertThat(AccessLog.text().enabled()).isFalse();
        assertThat(appender.list).isEmpty();
    }

    private static InetSocketAddress socket(String ip, int port) {
        return new InetSocketAddress(IpAddresses.parse(ip), port);
    }
}
