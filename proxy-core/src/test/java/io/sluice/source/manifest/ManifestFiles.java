package io.sluice.source.manifest;

import io.sluice.service.Cidr;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import io.sluice.service.ServiceState.PortState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Manifests of a test in a directory of its own, and short ways to what they come to. */
record ManifestFiles(Path directory) {

    static final String SERVICE = """
            apiVersion: v1
            kind: Service
            metadata: {name: kubia}
            spec:
              selector: {app: kubia}
              ports: [{port: 80, targetPort: 8080}]
            """;

    static String pod(String name, String ip) {
        return """
                ---
                apiVersion: v1
                kind: Pod
                metadata:
                  name: %s
                  labels: {app: kubia}
                  annotations: {sluice.io/pod-ip: "%s"}
                spec: {containers: [{name: c, ports: [{name: http, containerPort: 8080}]}]}
                """.formatted(name, ip);
    }

    Path write(String file, String text) {
        try {
            return Files.writeString(directory.resolve(file), text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    ManifestOptions options() {
        return new ManifestOptions(List.of(directory.toString()),
                List.of(Cidr.parse("127.120.0.0/16"), Cidr.parse("fd00:120::/112")), 30_000, 32_767, "node-1");
    }

    LoadedManifests load() {
        return ManifestSource.load(options());
    }

    /** The same as if the words were given with {@code --endpoint}. */
    LoadedManifests load(String text, String... endpoints) {
        write("all.yaml", text);
        return ManifestSource.load(options().with(GivenEndpoint.parse(List.of(endpoints))));
    }

    static ServiceState service(LoadedManifests loaded, String name) {
        ServiceState state = loaded.snapshot().services().get(new ServiceName("default", name));
        if (state == null) {
            throw new AssertionError(
                    "no Service " + name + " in " + loaded.snapshot().services().keySet() + ", " + loaded.problems());
        }
        return state;
    }

    /** What the first port of {@code default/name} has: {@code ip:port} of each endpoint, with a mark if not ready. */
    static List<String> endpoints(LoadedManifests loaded, String name) {
        return endpoints(service(loaded, name).ports().getFirst());
    }

    static List<String> endpoints(PortState port) {
        return port.endpoints().endpoints().stream()
                .map(e -> e.address() + (e.ready() ? "" : e.serving() ? " serving" : " not ready")
                        + (e.terminating() ? " terminating" : ""))
                .toList();
    }
}
