package io.sluice.it.testbed;

import io.sluice.cli.Main;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * The command line that starts {@code sluice} with the Java of this test. As in an image, what Java has learned in a
 * rehearsal is used: a start costs two thirds of what it costs otherwise, and tests make hundreds.
 */
public final class SluiceJava {

    private static final Path JAR = Path.of("..", "proxy-cli", "target", "sluice.jar").toAbsolutePath().normalize();
    private static final String JAVA = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    // The cache is for just these: another layout of objects would make it useless.
    private static final List<String> LAYOUT = List.of("--enable-native-access=ALL-UNNAMED",
            "-Dio.netty.allocator.type=pooled", "-XX:+UseCompactObjectHeaders");

    private static List<String> cached;

    private SluiceJava() {}

    /** The words that start the command; the command's own arguments follow them. */
    public static List<String> command(String... javaOptions) throws IOException {
        List<String> words = new ArrayList<>(List.of(JAVA));
        words.addAll(LAYOUT);
        words.addAll(List.of("-Xmx256m", "-XX:TieredStopAtLevel=1"));
        words.addAll(cacheOptions());
        words.addAll(List.of(javaOptions));
        words.addAll(List.of("-cp", JAR.toString(), Main.class.getName()));
        return words;
    }

    private static synchronized List<String> cacheOptions() throws IOException {
        if (cached == null) {
            Path cache = Path.of("target", "sluice-it.aot").toAbsolutePath();
            // The other fork of this build waits, and finds it done.
            try (FileChannel lock = FileChannel.open(Path.of("target", "sluice-it.aot.lock"),
                    StandardOpenOption.CREATE, StandardOpenOption.WRITE); FileLock _ = lock.lock()) {
                if (!newer(cache, JAR)) {
                    rehearse(cache);
                }
            }
            cached = Files.exists(cache) ? List.of("-XX:AOTCache=" + cache, "-Xlog:aot*=off") : List.of();
        }
        return cached;
    }

    private static boolean newer(Path file, Path than) throws IOException {
        return Files.exists(file) && Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(than)) > 0;
    }

    private static void rehearse(Path cache) throws IOException {
        Files.deleteIfExists(cache);
        List<String> words = new ArrayList<>(List.of(JAVA));
        words.addAll(LAYOUT);
        words.addAll(List.of("-XX:AOTCacheOutput=" + cache, "-cp", JAR.toString(), Main.class.getName(), "rehearse"));
        new ProcessBuilder(words).redirectErrorStream(true)
                .redirectOutput(Path.of("target", "sluice-it.aot.log").toFile()).start().onExit().join();
    }
}
