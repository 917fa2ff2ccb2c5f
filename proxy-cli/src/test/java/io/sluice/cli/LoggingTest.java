package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
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
    void aLineForPeopleHasTimeLevelShortLoggerMessageAndPairs() {
        Logging.set(LogFormat.TEXT, LogLevel.INFO, false);
        LoggerFactory.getLogger("io.sluice.proxy.DataPath").atInfo().addKeyValue("service", "default/kubia")
                .addKeyValue("why", "two words").log("listening at {}", "127.120.0.1:80");

        assertThat(logged()).matches("\\d\\d:\\d\\d:\\d\\d\\.\\d{3} INFO  DataPath listening at 127\\.120\\.0\\.1:80 "
                + "service=default/kubia why=\"two words\"\n");
    }

    @Test
    void aLineOfTheAccessLogHasNoLevelAndNoLogger() {
        Logging.set(LogFormat.TEXT, LogLevel.ERROR, false);
        LoggerFactory.getLogger("access").info("127.0.0.1:4711 default/kubia");
        Logging.close();

        assertThat(logged()).matches("\\S+ 127\\.0\\.0\\.1:4711 default/kubia\n");
    }

    @Test
    void aLineForProgramsIsOneObjectWithPairs() {
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

    @Test
    void librariesAreQuietUnlessTheyWarn() {
        Logging.set(LogFormat.TEXT, LogLevel.DEBUG, false);
        LoggerFactory.getLogger("io.netty.util.Foo").info("no");
        LoggerFactory.getLogger("io.fabric8.Foo").debug("no");
        LoggerFactory.getLogger("io.netty.util.Foo").warn("yes");
        LoggerFactory.getLogger("io.sluice.Foo").debug("yes");

        assertThat(logged()).contains("yes").doesNotContain("no\n").hasLineCount(2);
    }

    @Test
    void coloursAreUsedOnlyWhenAskedFor() {
        Logging.set(LogFormat.TEXT, LogLevel.INFO, true);
        LoggerFactory.getLogger("io.sluice.X").error("red");
        assertThat(logged()).contains("\u001b[31mERROR\u001b[0m");
    }

    private String logged() {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
