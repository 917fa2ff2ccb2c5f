package io.sluice.it.testbed;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A directory of manifests, and the texts that go into it. */
public final class Manifests implements Closeable {

    private final Path directory;

    public Manifests() {
        try {
            directory = Files.createTempDirectory("sluice-it");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public Path directory() {
        return directory;
    }

    /** Truncates and writes again, as an editor without care does; or makes a new file. */
    public Manifests edit(String file, String text) throws IOException {
        Files.writeString(directory.resolve(file), text);
        return this;
    }

    /** Writes beside it and renames: nobody ever sees half of it. */
    public Manifests replace(String file, String text) throws IOException {
        Path next = Files.writeString(directory.resolve("." + file + ".next"), text);
        Files.move(next, directory.resolve(file), StandardCopyOption.ATOMIC_MOVE);
        return this;
    }

    public Manifests delete(String file) throws IOException {
        Files.delete(directory.resolve(file));
        return this;
    }

    /** A Service with port 80, and Endpoints at port 8080 of these addresses. */
    public static String service(String name, String... endpoints) {
        return bareService(name) + "---\n" + endpoints(name, endpoints);
    }

    /** A Service with port 80 and no selector. */
    public static String bareService(String name) {
        return """
                apiVersion: v1
                kind: Service
                metadata: {name: %s}
                spec: {ports: [{port: 80}]}
                """.formatted(name);
    }

    /** Endpoints at port 8080. */
    public static String endpoints(String name, String... addresses) {
        String subset = addresses.length == 0
                ? "[]"
                : Stream.of(addresses).map(ip -> "{ip: " + ip + "}")
                        .collect(Collectors.joining(", ", "[{addresses: [", "], ports: [{port: 8080}]}]"));
        return """
                apiVersion: v1
                kind: Endpoints
                metadata: {name: %s}
                subsets: %s
                """.formatted(name, subset);
    }

    /** A Service with port 80 that selects pods by {@code app: name}. */
    public static String selectingService(String name) {
        return """
                apiVersion: v1
                kind: Service
                metadata: {name: %s}
                spec: {selector: {app: %s}, ports: [{port: 80, targetPort: 8080}]}
                """.formatted(name, name);
    }

    /** A pod of {@code app} at an address. */
    public static String pod(String app, String name, String ip, boolean ready) {
        return """
                apiVersion: v1
                kind: Pod
                metadata:
                  name: %s
                  labels: {app: %s}
                  annotations: {sluice.io/pod-ip: %s, sluice.io/ready: "%s"}
                spec: {containers: [{name: c, ports: [{containerPort: 8080}]}]}
                """.formatted(name, app, ip, String.valueOf(ready).toLowerCase(Locale.ROOT));
    }

    /** Several documents as one. */
    public static String all(List<String> documents) {
        return String.join("---\n", documents);
    }

    @Override
    public void close() throws IOException {
        deleteTree(directory);
    }

    static void deleteTree(Path tree) throws IOException {
        try (Stream<Path> paths = Files.walk(tree)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}
