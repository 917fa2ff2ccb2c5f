package io.sluice.it.testbed;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;

/**
 * A directory as the kubelet mounts a ConfigMap: each file is a symbolic link through {@code ..data}, which is a
 * symbolic link to a directory of a time, and an update swaps that one link by a rename.
 */
public final class ConfigMapVolume {

    private final Path mount;
    private int version;

    /** Takes over an existing, empty directory. */
    public ConfigMapVolume(Path mount) {
        this.mount = mount;
    }

    /** Shows these files from now on, all at once. */
    public void update(Map<String, String> files) throws IOException {
        Path before = Files.exists(mount.resolve("..data")) ? mount.resolve("..data").toRealPath() : null;
        version++;
        Path next = Files.createDirectory(mount.resolve("..2026_11_23_10_00_" + version));
        for (Map.Entry<String, String> file : files.entrySet()) {
            Files.writeString(next.resolve(file.getKey()), file.getValue());
        }
        Path link = Files.createSymbolicLink(mount.resolve("..data_tmp"), next.getFileName());
        Files.move(link, mount.resolve("..data"), StandardCopyOption.ATOMIC_MOVE);
        for (String file : files.keySet()) {
            if (!Files.isSymbolicLink(mount.resolve(file))) {
                Files.createSymbolicLink(mount.resolve(file), Path.of("..data", file));
            }
        }
        if (before != null) {
            Manifests.deleteTree(before);
        }
    }
}
