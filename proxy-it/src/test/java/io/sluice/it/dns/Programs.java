package io.sluice.it.dns;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Programs of this machine. */
final class Programs {

    private static final int PATIENCE_SECONDS = 60;

    /** What one printed, both streams together, and how it ended. */
    record Result(int exitCode, String text) {
        List<String> lines() {
            return text.lines().toList();
        }
    }

    private Programs() {}

    /** Whether {@code name} is installed. */
    static boolean installed(String name) {
        return Arrays.stream(System.getenv().getOrDefault("PATH", "").split(":", -1))
                .anyMatch(folder -> !folder.isEmpty() && Files.isExecutable(Path.of(folder, name)));
    }

    /** Runs {@code words} to the end. */
    static Result run(List<String> words) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new IOException("does not end: " + words + "\n" + text);
        }
        return new Result(process.exitValue(), text);
    }
}
