package io.sluice.cli.demo;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** The manifests of config/examples, which are inside the jar, as files of their own while the demo runs. */
final class DemoFiles implements AutoCloseable {

    /** The files in the order in which to read them. */
    static final List<String> NAMES = List.of("kubia-svc.yaml", "kubia-pods.yaml", "external-service.yaml",
            "external-service-endpoints.yaml", "external-service-externalname.yaml");

    private final Path directory;

    private DemoFiles(Path directory) {
        this.directory = directory;
    }

    /** Writes them into a new directory. */
    static DemoFiles unpack() throws IOException {
        DemoFiles files = new DemoFiles(Files.createTempDirectory("sluice-demo-"));
        try {
            for (String name : NAMES) {
                try (InputStream in = DemoFiles.class.getResourceAsStream("examples/" + name)) {
                    Files.copy(Objects.requireNonNull(in, name), files.directory.resolve(name));
                }
            }
        } catch (IOException | RuntimeException e) {
            files.close();
            throw e;
        }
        return files;
    }

    /** The directory with the files. */
    Path directory() {
        return directory;
    }

    /** Deletes them, and backups of an editor; other files that a user has added stay, and the directory with them. */
    @Override
    public void close() throws IOException {
        try (var entries = Files.newDirectoryStream(directory, DemoFiles::isOurs)) {
            for (Path entry : entries) {
                Files.deleteIfExists(entry);
            }
        }
        try {
            Files.delete(directory);
        } catch (DirectoryNotEmptyException e) {
            return;
        }
    }

    /** Whether an entry is one of the files, or a backup or lock, whose name contains that of the file. */
    private static boolean isOurs(Path entry) {
        String name = entry.getFileName().toString();
        return NAMES.stream().anyMatch(name::contains) && !Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS);
    }
}
