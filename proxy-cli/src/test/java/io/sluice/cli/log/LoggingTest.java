package io.sluice.cli.log;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.Hostile;
import io.sluice.reconcile.NamedLine;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What log lines look like, and which are written. */
class LoggingTest {

    private final PrintStream original = System.err;
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @BeforeEach
    void capture() {
        System.setErr(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    }

    @AfterEach
    void release() {
        System.setErr(original);
        Logging.set(LogFormat.TEXT, LogLevel.WARN, false);
    }

    @Test
    void a_line_for_people_has_time_level_short_logger_message_and_pairs() {
        Logging.set(LogFormat.TEXT, LogLevel.INFO, false);
        LoggerFactory.getLogger("io.sluice.proxy.DataPath").atInfo().addKeyValue("service", "default/kubia")
                .addKeyValue("why", "two words").log("listening at {}", "127.120.0.1:80");

        assertThat(logged()).matches("\\d\\d:\\d\\d:\\d\\d\\.\\d{3} INFO  DataPath listening at 127\\.120\\.0\\.1:80 "
                + "service=default/kubia why=\"two words\"\n");
    }

    @Test
    void a_line_of_the_access_log_has_no_level_and_no_logger() {
        Logging.set(LogFormat.TEXT, LogLevel.ERROR, false);
        LoggerFactory.getLogger("access").info("127.0.0.1:4711 default/kubia");
        Logging.close();

        assertThat(logged()).matches("\\S+ 127\\.0\\.0\\.1:4711 default/kubia\n");
    }

    @Test
    void a_line_for_programs_is_one_object_with_pairs() {
        Logging.set(LogFormat.JSON, LogLevel.INFO, true);
        LoggerFactory.getLogger("io.sluice.X").atWarn().addKeyValue("port", 80)
                .setCause(new IllegalStateException("broken\nin two")).log("first\nsecond");

        assertThat(logged()).endsWith("\n").hasLineCount(1);
        JsonNode line = JsonMapper.shared().readTree(logged());
        assertThat(line.path("level").asString()).isEqualTo("WARN");
        assertThat(line.path("logger").asString()).isEqualTo("io.sluice.X");
        assertThat(line.path("message").asString()).isEqualTo("first\nsecond");
        assertThat(line.path("port").asInt()).isEqualTo(80);
        assertThat(line.path("error").asString()).contains("broken");
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    void fields_that_repeat_the_message_are_for_programs_alone(LogFormat format) {
        Logging.set(format, LogLevel.INFO, false);
        LoggerFactory.getLogger("io.sluice.X").atWarn().addMarker(NamedLine.FIELDS_FOR_PROGRAMS)
                .addKeyValue("namespace", "shop").addKeyValue("endpoint", "10.1.0.3:80").log("shop/api is empty");
        if (format == LogFormat.TEXT) {
            assertThat(logged()).endsWith("X shop/api is empty\n");
        } else {
            JsonNode line = JsonMapper.shared().readTree(logged());
            assertThat(line.path("message").asString()).isEqualTo("shop/api is empty");
            assertThat(line.path("namespace").asString()).isEqualTo("shop");
            assertThat(line.path("endpoint").asString()).isEqualTo("10.1.0.3:80");
        }
    }

    @Test
    void libraries_are_quiet_unless_they_warn() {
        Logging.set(LogFormat.TEXT, LogLevel.DEBUG, false);
        LoggerFactory.getLogger("io.netty.util.Foo").info("no");
        LoggerFactory.getLogger("io.fabric8.Foo").debug("no");
        LoggerFactory.getLogger("io.netty.util.Foo").warn("yes");
        LoggerFactory.getLogger("io.sluice.Foo").debug("yes");

        assertThat(logged()).contains("yes").doesNotContain("no\n").hasLineCount(2);
    }

    @Test
    void colours_are_used_only_when_asked_for() {
        Logging.set(LogFormat.TEXT, LogLevel.INFO, true);
        LoggerFactory.getLogger("io.sluice.X").error("red");
        assertThat(logged()).contains("\u001b[31mERROR\u001b[0m");
    }

    @ParameterizedTest(name = "{0}")
    @EnumSource
    void no_text_of_others_ends_a_line_or_reaches_the_terminal(LogFormat format) {
        for (String hostile : Hostile.TEXTS) {
            bytes.reset();
            Logging.set(format, LogLevel.INFO, false);
            IllegalStateException cause = new IllegalStateException(hostile);
            cause.addSuppressed(new IllegalStateException(hostile));
            LoggerFactory.getLogger("a." + hostile).atWarn().addKeyValue("k" + hostile, hostile)
                    .setCause(new IllegalStateException(hostile, cause)).log("it says {}", hostile);
            LoggerFactory.getLogger("access").info(hostile);

            List<String> lines = logged().lines().filter(line -> !line.matches("\\s*(at .*|\\.\\.\\. .*|…)")).toList();
            assertThat(lines).as(hostile).hasSize(format == LogFormat.JSON ? 2 : 5);
            assertThat(logged()).satisfies(Hostile::isHarmless);
            assertThat(lines).allSatisfy(line -> assertThat(line.length()).isLessThan(LineQueue.LONGEST_LINE));
        }
    }

    @Test
    void a_line_for_programs_holds_what_was_said() {
        for (String hostile : Hostile.SHORT) {
            bytes.reset();
            Logging.set(LogFormat.JSON, LogLevel.INFO, false);
            LoggerFactory.getLogger("io.sluice.X").atWarn().addKeyValue("key", hostile).log("{}", hostile);
            JsonNode line = JsonMapper.shared().readTree(logged());

            assertThat(line.path("message").asString()).isEqualTo(hostile);
            assertThat(line.path("key").asString()).isEqualTo(hostile);
        }
    }

    @Test
    void a_value_cannot_look_like_another_key() {
        Logging.set(LogFormat.TEXT, LogLevel.INFO, false);
        LoggerFactory.getLogger("io.sluice.X").atWarn().addKeyValue("service", "x\" port=80").log("m");

        assertThat(logged()).endsWith(" m service=\"x\\\" port=80\"\n");
    }

    @Test
    void nobody_who_logs_waits_for_it_to_be_written() throws Exception {
        CountDownLatch read = new CountDownLatch(1);
        ByteArrayOutputStream written = new ByteArrayOutputStream();
        LineQueue queue = new LineQueue(Channels.newChannel(new OutputStream() {
            @Override
            public void write(int octet) {
                throw new UnsupportedOperationException();
            }

            @Override
            public void write(byte[] octets, int offset, int length) throws IOException {
                try {
                    read.await();
                } catch (InterruptedException e) {
                    throw new IOException(e);
                }
                written.write(octets, offset, length);
            }
        }), "stderr");
        Logging.to(queue);
        try {
            Logging.set(LogFormat.TEXT, LogLevel.INFO, false);
            for (int i = 0; i < 20_000; i++) {
                LoggerFactory.getLogger("io.sluice.X").warn("warning {}", i);
                LoggerFactory.getLogger("access").info("connection {}", i);
            }
            read.countDown();
            queue.close(Duration.ofSeconds(20));

            String log = written.toString(StandardCharsets.UTF_8);
            assertThat(log).contains("WARN  X warning 0\n").contains(" connection 0\n")
                    .containsPattern("WARN  sluice dropped \\d+ log lines: stderr was not read\n$");
            assertThat(log.lines().filter(line -> !line.contains(" dropped ")).count() + queue.dropped())
                    .isEqualTo(40_000);
        } finally {
            Logging.to(null);
        }
    }

    private String logged() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
