package io.sluice.source.manifest;

import io.sluice.source.Excerpt;
import io.sluice.source.InputFile;
import io.sluice.source.yaml.ReadingBudget;
import io.sluice.source.yaml.YamlException;
import io.sluice.source.yaml.YamlNode;
import io.sluice.source.yaml.YamlNode.Mapping;
import io.sluice.source.yaml.YamlNode.Member;
import io.sluice.source.yaml.YamlNode.Scalar;
import io.sluice.source.yaml.YamlNode.Sequence;
import io.sluice.source.yaml.YamlReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks {@code kubectl kustomize} what a directory comes to. */
final class Kustomization {

    private static final Logger LOG = LoggerFactory.getLogger(Kustomization.class);

    /** The longest that it may take: it may fetch from other machines. */
    static final int LONGEST_SECONDS = 60;

    /** The most directories of one that are followed. */
    private static final int MAX_DIRECTORIES = 100;
    private static final List<String> NAMES =
            List.of("kustomization.yaml", "kustomization.yml", "Kustomization");
    private static final Set<String> FIELDS = Set.of("resources", "bases", "components");
    /** How kubectl prints a failure since 1.32. */
    private static final Pattern LOGGED = Pattern.compile(".* err=\"(.*)\"");

    private Kustomization() {}

    /**
     * {@code directory} and those that its kustomization builds on, as far as they can be read: an edit in one of them
     * changes what it comes to.
     */
    static Set<Path> directories(Path directory) {
        Set<Path> found = new LinkedHashSet<>();
        Deque<Path> open = new ArrayDeque<>(List.of(directory.toAbsolutePath().normalize()));
        while (!open.isEmpty() && found.size() < MAX_DIRECTORIES) {
            Path next = open.pop();
            if (Files.isDirectory(next) && found.add(next)) {
                NAMES.forEach(
                        name -> bases(next.resolve(name)).forEach(base -> open.add(next.resolve(base).normalize())));
            }
        }
        return found;
    }

    private static List<String> bases(Path file) {
        List<String> bases = new ArrayList<>();
        try {
            YamlNode root = new YamlReader(InputFile.read(file, InputFile.SMALL), ReadingBudget.start()).single();
            for (Member member : root instanceof Mapping mapping ? mapping.members() : List.<Member>of()) {
                if (FIELDS.contains(member.key().text()) && member.value() instanceof Sequence list) {
                    list.elements().stream().filter(Scalar.class::isInstance)
                            .forEach(base -> bases.add(((Scalar) base).text()));
                }
            }
        } catch (IOException | YamlException e) {
            LOG.debug("{} names no other directories: {}", file, e.getMessage());
        }
        bases.removeIf(base -> base.contains("://") || base.indexOf('\0') >= 0);
        return bases;
    }

    /**
     * What it prints for {@code directory}.
     *
     * @param program  the program and its first arguments
     * @param maxBytes the most that is read
     * @throws IOException if it fails; the message says why, and what to do, in one line
     */
    static byte[] build(List<String> program, String directory, int maxBytes) throws IOException {
        List<String> command = new ArrayList<>(program);
        command.add(directory);
        Process process;
        try {
            process = new ProcessBuilder(command).start();
        } catch (IOException e) {
            throw new IOException("kubectl cannot be started, which -k needs: install it, or read with -f - what"
                    + " 'kustomize build " + directory + "' prints", e);
        }
        try {
            process.getOutputStream().close();
            CompletableFuture<byte[]> output = reading(process.getInputStream(), maxBytes);
            CompletableFuture<byte[]> errors = reading(process.getErrorStream(), InputFile.SMALL);
            byte[] printed = output.get(LONGEST_SECONDS, TimeUnit.SECONDS);
            String complaint = new String(errors.get(LONGEST_SECONDS, TimeUnit.SECONDS), StandardCharsets.UTF_8);
            if (!process.waitFor(LONGEST_SECONDS, TimeUnit.SECONDS)) {
                throw new TimeoutException();
            }
            if (process.exitValue() != 0) {
                throw new IOException("kubectl kustomize: " + Excerpt.line(reason(complaint)
                        .orElse("exit code " + process.exitValue())));
            }
            return printed;
        } catch (TimeoutException e) {
            throw new IOException("kubectl kustomize has not ended after " + LONGEST_SECONDS + " s", e);
        } catch (ExecutionException e) {
            throw new IOException("the output of kubectl kustomize cannot be read: "
                    + (e.getCause() instanceof IOException cause ? InputFile.reason(cause) : e.getCause()), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted").initCause(e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    /** The last line of what it complained about, without the marks of a log. */
    private static Optional<String> reason(String complaint) {
        return complaint.lines().map(String::strip).filter(line -> !line.isEmpty()).reduce((_, last) -> last)
                .map(line -> {
                    Matcher logged = LOGGED.matcher(line);
                    return logged.matches() ? logged.group(1).replace("\\\"", "\"") : line.replaceFirst("^error: ", "");
                });
    }

    private static CompletableFuture<byte[]> reading(InputStream from, int maxBytes) {
        CompletableFuture<byte[]> all = new CompletableFuture<>();
        Thread.ofVirtual().name("sluice-kustomize").start(() -> {
            try (from) {
                all.complete(InputFile.readToEnd(from, maxBytes));
            } catch (IOException e) {
                all.completeExceptionally(e);
            }
        });
        return all;
    }
}
