package io.sluice.source.manifest;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Finds the files of a directory, and of its subdirectories if they count. Names that begin with a dot do not, and symbolic links
 * to directories are not followed below the one that was named: they could lead in a circle.
 */
final class ManifestFinder {

    /** The most levels of subdirectories. */
    private static final int MAX_DEPTH = 32;
    /** The most directories. */
    private static final int MAX_DIRECTORIES = 10_000;

    private final boolean manifestsOnly;
    private final boolean recursive;
    private final Set<Path> files = new TreeSet<>();
    private final Set<Path> directories = new TreeSet<>(Comparator.naturalOrder());

    private ManifestFinder(boolean manifestsOnly, boolean recursive) {
        this.manifestsOnly = manifestsOnly;
        this.recursive = recursive;
    }

    /**
     * What was found.
     *
     * @param files       sorted by path
     * @param directories in which they are, or may come; empty for a path that is no directory
     */
    record Found(List<Path> files, List<Path> directories) {}

    /** {@code input} itself if it is no directory, else the manifests in it: by their names. */
    static Found manifests(Path input, boolean recursive) throws IOException {
        return new ManifestFinder(true, recursive).find(input);
    }

    /** Every file in a directory and below. */
    static Found all(Path directory) throws IOException {
        return new ManifestFinder(false, true).find(directory);
    }

    private Found find(Path input) throws IOException {
        if (!Files.isDirectory(input)) {
            return new Found(List.of(input), List.of());
        }
        addAll(input, 0);
        return new Found(List.copyOf(files), List.copyOf(directories));
    }

    private void addAll(Path directory, int depth) throws IOException {
        directories.add(directory);
        if (directories.size() > MAX_DIRECTORIES || depth > MAX_DEPTH) {
            throw new IOException("it holds more than " + MAX_DIRECTORIES + " directories, or " + MAX_DEPTH
                    + " levels of them");
        }
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory, ManifestFinder::isShown)) {
            for (Path entry : entries) {
                if (Files.isDirectory(entry)) {
                    if (recursive && Files.isDirectory(entry, LinkOption.NOFOLLOW_LINKS)) {
                        addAll(entry, depth + 1);
                    }
                } else if (!manifestsOnly || isManifest(entry)) {
                    files.add(entry);
                    if (files.size() > ReadingLimits.FILES) {
                        throw new IOException("it holds more than " + ReadingLimits.FILES + " manifests");
                    }
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private static boolean isShown(Path path) {
        return !path.getFileName().toString().startsWith(".");
    }

    private static boolean isManifest(Path path) {
        String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
        return name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json");
    }

    /** Whether a directory has subdirectories with files that may be manifests. */
    static boolean hasBelow(Path directory) throws IOException {
        return manifests(directory, true).files().stream().anyMatch(file -> !directory.equals(file.getParent()));
    }
}
