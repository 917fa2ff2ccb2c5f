package io.sluice.liveness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** A task that fails is reported, however it was given, and its thread and its period go on. */
class ReportingExecutorTest {

    /** Only these tests throw it, so that no other has reported it before. */
    private static final class Broken extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }

    private final List<ILoggingEvent> logged = new CopyOnWriteArrayList<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            logged.add(event);
        }
    };
    private final Logger log = (Logger) LoggerFactory.getLogger(Faults.class);

    ReportingExecutorTest() {
        appender.start();
        log.addAppender(appender);
        log.setAdditive(false);
    }

    @AfterEach
    void detach() {
        log.detachAppender(appender);
        log.setAdditive(true);
    }

    private Stream<ILoggingEvent> errors(String thread) {
        return logged.stream().filter(event -> event.getFormattedMessage().contains(thread));
    }

    @Test
    void what_a_task_throws_is_logged_once_with_its_stack_trace() {
        try (ReportingExecutor executor = new ReportingExecutor("once")) {
            for (int i = 0; i < 5; i++) {
                executor.execute(() -> {
                    throw new Broken();
                });
            }
            executor.schedule(() -> {
                throw new Broken();
            }, 1, TimeUnit.MILLISECONDS);
        }
        assertThat(errors("once").filter(event -> event.getThrowableProxy() != null)).singleElement()
                .satisfies(event -> assertThat(event.getFormattedMessage())
                        .isEqualTo("a task on once failed: a fault in the proxy; please report it"));
    }

    @Test
    void a_periodic_task_that_throws_runs_again() {
        AtomicInteger runs = new AtomicInteger();
        try (ReportingExecutor executor = new ReportingExecutor("periodic")) {
            executor.scheduleWithFixedDelay(() -> {
                runs.incrementAndGet();
                throw new Broken();
            }, 0, 1, TimeUnit.MILLISECONDS);
            await().until(() -> runs.get() > 2);
            executor.shutdownNow();
        }
        assertThat(errors("periodic")).isNotEmpty();
    }

    @Test
    void a_task_that_was_cancelled_or_ended_well_is_no_fault() {
        try (ReportingExecutor executor = new ReportingExecutor("fine")) {
            executor.execute(() -> {});
            executor.schedule(() -> {}, 1, TimeUnit.HOURS).cancel(false);
            executor.shutdownNow();
        }
        assertThat(errors("fine")).isEmpty();
    }
}
