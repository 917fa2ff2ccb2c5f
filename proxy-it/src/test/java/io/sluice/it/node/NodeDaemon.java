package io.sluice.it.node;

import static org.awaitility.Awaitility.await;

import io.sluice.it.testbed.SluiceJava;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code sluice} as a process of its own inside a namespace. */
final class NodeDaemon implements Closeable {

    private final Process process;
    private final Path log;

    private NodeDaemon(Process process, Path log) {
        this.process = process;
        this.log = log;
    }

    /** Starts {@code sluice} with {@code arguments} in {@code namespace}; does not wait. */
    static NodeDaemon start(NetworkNamespace namespace, String... arguments) throws IOException {
        return start(List.of("ip", "netns", "exec", namespace.name()), arguments);
    }

    /** The same, as {@code wrapper} has it. */
    static NodeDaemon start(NetworkNamespace namespace, List<String> wrapper, String... arguments) throws IOException {
        List<String> prefix = new ArrayList<>(List.of("ip", "netns", "exec", namespace.name()));
        prefix.addAll(wrapper);
        return start(prefix, arguments);
    }

    private static NodeDaemon start(List<String> prefix, String... arguments) throws IOException {
        Path log = Files.createTempFile("sluice-it", ".log");
        List<String> words = new ArrayList<>(prefix);
        words.addAll(SluiceJava.command());
        words.addAll(Arrays.asList(arguments));
        Process process =
                new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile()).start();
        return new NodeDaemon(process, log);
    }

    /** Starts {@code sluice} with {@code arguments} on this machine; does not wait. */
    static NodeDaemon start(String... arguments) throws IOException {
        return start(List.of(), arguments);
    }

    /** Starts {@code sluice run} in {@code namespace} and waits until it serves. */
    static NodeDaemon run(NetworkNamespace namespace, String... arguments) throws IOException {
        return run(List.of("ip", "netns", "exec", namespace.name()), arguments);
    }

    /** Starts {@code sluice run} on this machine and waits until it serves. */
    static NodeDaemon run(String... arguments) throws IOException {
        return run(List.of(), arguments);
    }

    private static NodeDaemon run(List<String> prefix, String... arguments) throws IOException {
        List<String> words = new ArrayList<>(List.of("run"));
        words.addAll(Arrays.asList(arguments));
        NodeDaemon daemon = start(prefix, words.toArray(String[]::new));
        daemon.awaitLog("serving ");
        return daemon;
    }

    /** Waits until the log has {@code text}. */
    void awaitLog(String text) {
        await().atMost(Duration.ofSeconds(60)).until(() -> {
            if (!process.isAlive() && !log().contains(text)) {
                throw new IllegalStateException("the daemon ended: " + log());
            }
            return log().contains(text);
        });
    }

    String log() throws IOException {
        return Files.readString(log);
    }

    /** Sends a signal, such as {@code STOP}. */
    void signal(String name) throws IOException, InterruptedException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).inheritIO().start().waitFor();
    }

    /** SIGTERM; does not wait. */
    void terminate() {
        process.destroy();
    }

    /** SIGTERM, and its exit code. */
    int stop() throws InterruptedException {
        process.destroy();
        return awaitExit();
    }

    int awaitExit() throws InterruptedException {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
            throw new IllegalStateException("the daemon does not end");
        }
        return process.exitValue();
    }

    /** SIGKILL. */
    void kill() throws InterruptedException {
        process.destroyForcibly().waitFor();
    }

    boolean isAlive() {
        return process.isAlive();
    }

    @Override
    public void close() throws IOException {
        process.destroyForcibly();
        try {
            process.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Files.deleteIfExists(log);
    }
}
