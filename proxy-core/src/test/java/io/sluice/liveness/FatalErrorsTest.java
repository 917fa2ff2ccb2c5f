package io.sluice.liveness;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Which errors end the process, with which code, and that nothing can keep it from ending. */
class FatalErrorsTest {

    private final List<String> exits = new ArrayList<>();

    @BeforeEach
    void recordExits() {
        FatalErrors.exitBy((code, line) -> exits.add(code + " " + line));
    }

    @AfterEach
    void exitAgain() {
        FatalErrors.exitBy(null);
    }

    enum Case {
        HEAP(true, () -> new OutOfMemoryError("Java heap space")),
        NO_THREAD(true, () -> new OutOfMemoryError("unable to create native thread: possibly out of memory")),
        INTERNAL(true, () -> new InternalError("a fault in the virtual machine")),
        WRAPPED(true, () -> new IllegalStateException(new IOException(new OutOfMemoryError("Metaspace")))),
        LACK_OF_BUFFERS(false, () -> new OutOfMemoryError("Cannot reserve 65536 bytes of direct buffer memory")),
        STACK_OVERFLOW(false, StackOverflowError::new),
        NO_CLASS(false, () -> new NoClassDefFoundError("io/sluice/Gone")),
        FAULT(false, () -> new NullPointerException("a fault")),
        RING_OF_CAUSES(false, () -> {
            RuntimeException first = new RuntimeException("first");
            first.initCause(new RuntimeException("second", first));
            return first;
        });

        private final boolean fatal;
        @SuppressWarnings("ImmutableEnumChecker") // makes a new one each time
        private final Supplier<Throwable> error;

        Case(boolean fatal, Supplier<Throwable> error) {
            this.fatal = fatal;
            this.error = error;
        }
    }

    @ParameterizedTest
    @EnumSource
    void errors_of_the_virtual_machine_end_the_process_where_a_task_meets_them_and_faults_do_not(Case met) {
        Faults.contained(met.name(), () -> sneak(met.error.get())).run();
        assertThat(exits).hasSize(met.fatal ? 1 : 0)
                .allMatch(exit -> exit.startsWith("3 sluice: ending with exit code 3"));
    }

    @ParameterizedTest
    @EnumSource
    void any_error_that_ends_a_vital_thread_ends_the_process(Case met) {
        Throwable error = met.error.get();
        Runnable life = FatalErrors.vital(() -> sneak(error));
        assertThatThrownBy(life::run).isSameAs(error);
        assertThat(exits).singleElement().asString().startsWith(met.fatal ? "3 " : "4 ").doesNotContain("\n")
                .contains(FatalErrorsTest.class.getName());
    }

    @Test
    void a_fault_on_a_thread_that_others_do_not_need_is_reported_and_the_process_goes_on() {
        FatalErrors.uncaught(Thread.ofVirtual().name("admin-1").unstarted(() -> {}), new IllegalStateException("x"));
        assertThat(exits).isEmpty();
        FatalErrors.uncaught(Thread.ofVirtual().name("admin-1").unstarted(() -> {}), new OutOfMemoryError("heap"));
        assertThat(exits).hasSize(1);
        FatalErrors.uncaught(Thread.ofPlatform().name("HTTP-Dispatcher").unstarted(() -> {}), new LinkageError("x"));
        assertThat(exits).hasSize(2).last().asString().startsWith("4 ");
    }

    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    private static <T extends Throwable> void sneak(Throwable error) throws T {
        throw (T) error;
    }

    @Test
    void the_last_line_is_printed_and_the_code_is_the_exit_code() throws Exception {
        Process process = start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(process.exitValue()).isEqualTo(FatalErrors.DEAD_THREAD);
        assertThat(new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8))
                .matches("sluice: ending with exit code 4: java.lang.LinkageError: a fault in thread vital"
                        + " \\(a fault in the proxy; please report it\\): " + Pattern.quote(Dying.class.getName())
                        + "[^\n]+\n");
    }

    @Test
    void a_log_that_nobody_reads_does_not_keep_the_process_from_ending() throws Exception {
        Process process = start("full");
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).as("ended without a reader").isTrue();
        assertThat(process.exitValue()).isEqualTo(FatalErrors.DEAD_THREAD);
    }

    private static Process start(String... arguments) throws IOException {
        List<String> command =
                new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx32m", "-cp", System.getProperty("java.class.path") + File.pathSeparator
                                + System.getProperty("surefire.test.class.path", ""),
                        Dying.class.getName()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).start();
    }

    /** A process of which a vital thread dies. */
    static final class Dying {

        private Dying() {}

        /** With an argument the pipe behind standard error is full before. */
        public static void main(String[] arguments) throws InterruptedException {
            FatalErrors.install();
            if (arguments.length > 0) {
                Thread writer = Thread.ofPlatform().daemon().start(() -> {
                    while (true) {
                        System.err.println("x".repeat(4096));
                    }
                });
                while (!stuck(writer)) {
                    Thread.onSpinWait();
                }
            }
            Thread.ofPlatform().name("vital").start(FatalErrors.vital(() -> {
                throw new LinkageError("a fault");
            })).join();
            Thread.currentThread().join();
        }

        private static boolean stuck(Thread writer) throws InterruptedException {
            StackTraceElement[] before = writer.getStackTrace();
            Thread.sleep(200);
            return before.length > 0 && before[0].getMethodName().equals("writeBytes")
                    && List.of(before).equals(List.of(writer.getStackTrace()));
        }
    }
}
