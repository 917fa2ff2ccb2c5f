package io.sluice.cli.exec;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Finds programs, and tries what {@code unshare} can do here. */
public final class Programs {

    private static final int PATIENCE_SECONDS = 5;

    private Programs() {}

    /** The file of the program {@code name}, as a shell finds it; in the usual folders, too. */
    public static Optional<Path> find(String name, Map<String, String> environment) {
        if (name.contains("/")) {
            return Optional.of(Path.of(name)).filter(Files::isExecutable);
        }
        List<String> folders = new ArrayList<>(List.of(environment.getOrDefault("PATH", "").split(":", -1)));
        folders.addAll(List.of("/usr/bin", "/bin"));
        return folders.stream().filter(folder -> !folder.isEmpty()).map(folder -> Path.of(folder, name))
                .filter(file -> Files.isExecutable(file) && !Files.isDirectory(file)).findFirst();
    }

    /** Whether {@code words} end with 0, without a word, within {@value #PATIENCE_SECONDS} s. */
    public static boolean succeed(List<String> words) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0 && said.isEmpty();
    }

    /** The words with which {@code unshare} makes a process in a user namespace of its own this user again. */
    public static List<String> asThisUser(Path unshare) throws IOException {
        return List.of(unshare.toString(), "-U", "--map-user=" + id("unix:uid"), "--map-group=" + id("unix:gid"), "--");
    }

    /** This process's user. */
    public static int user() throws IOException {
        return id("unix:uid");
    }

    private static int id(String attribute) throws IOException {
        return Objects.requireNonNull((Integer) Files.getAttribute(Path.of("/proc/self"), attribute));
    }
}
