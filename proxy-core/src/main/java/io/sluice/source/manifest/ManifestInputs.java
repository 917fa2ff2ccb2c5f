package io.sluice.source.manifest;

import java.util.ArrayList;
import java.util.List;

/**
 * Where manifests are read from.
 *
 * @param paths          files, directories, or {@code -} for standard input
 * @param recursive      whether the subdirectories of directories are read, too
 * @param kustomizations directories of which is read what {@code kubectl kustomize} prints
 */
public record ManifestInputs(List<String> paths, boolean recursive, List<String> kustomizations) {

    public ManifestInputs {
        paths = List.copyOf(paths);
        kustomizations = List.copyOf(kustomizations);
    }

    /** Files and directories without their subdirectories. */
    public static ManifestInputs of(List<String> paths) {
        return new ManifestInputs(paths, false, List.of());
    }

    /** Whether nothing is to be read. */
    public boolean isEmpty() {
        return paths.isEmpty() && kustomizations.isEmpty();
    }

    /** All of them, for a message. */
    @Override
    public String toString() {
        List<String> all = new ArrayList<>(paths);
        all.addAll(kustomizations);
        return String.join(", ", all);
    }
}
