package io.sluice.cli.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which folders of {@code sluice up} the next one removes. */
class OwnFolderTest {

    @TempDir
    private Path temporary;

    @Test
    void a_folder_whose_process_lives_stays_and_goes_with_it() throws IOException {
        try (OwnFolder folder = OwnFolder.make(temporary)) {
            OwnFolder.removeLeft(temporary);
            assertThat(folder.path()).isDirectory();
            Files.writeString(folder.path().resolve("hosts.shop"), "127.0.0.1 api");
        }
        assertThat(temporary).isEmptyDirectory();
    }

    @Test
    void a_folder_whose_process_was_killed_is_removed_and_nothing_else() throws IOException {
        assumeThat(Path.of("/proc/self")).exists();
        Path left = Files.createDirectory(temporary.resolve("sluice-up-123"));
        Files.writeString(left.resolve("lock"), "");
        Files.writeString(left.resolve("hosts.shop"), "127.0.0.1 api");
        Path begins = Files.createDirectory(temporary.resolve("sluice-up-456"));
        Path other = Files.createDirectory(temporary.resolve("sluice-exec-789"));
        Path link = Files.createSymbolicLink(temporary.resolve("sluice-up-link"), other);
        Files.writeString(other.resolve("lock"), "");

        OwnFolder.removeLeft(temporary);

        assertThat(left).doesNotExist();
        assertThat(begins).exists();
        assertThat(other.resolve("lock")).exists();
        assertThat(link).exists();
    }
}
