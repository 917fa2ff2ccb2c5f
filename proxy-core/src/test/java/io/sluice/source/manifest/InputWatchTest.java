package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.source.Activity;
import io.sluice.source.manifest.InputReader.Places;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When file events tell of every edit, so that the files need to be looked at only seldom. */
class InputWatchTest {

    @TempDir
    private Path temporary;
    private Path directory;
    private Path file;

    @BeforeEach
    void file() throws IOException {
        directory = Files.createDirectory(temporary.toRealPath().resolve("manifests"));
        file = Files.writeString(directory.resolve("a.yaml"), "# nothing\n");
    }

    private static Places places(Path input) {
        return new InputReader(ManifestInputs.of(List.of(input.toString())), InputStream.nullInputStream(),
                new Activity("a test"))
                .places();
    }

    @Test
    void plain_files_and_directories_change_where_they_are() {
        assertThat(places(directory)).isEqualTo(new Places(Set.of(directory, directory.getParent()), true));
        assertThat(places(file)).isEqualTo(new Places(Set.of(directory), true));
        assertThat(places(directory.resolve("../manifests")).all()).isTrue();
    }

    @Test
    void what_is_reached_by_a_symbolic_link_may_change_elsewhere() throws IOException {
        Path link = Files.createSymbolicLink(directory.getParent().resolve("link"), directory);
        assertThat(places(link).all()).isFalse();
        assertThat(places(link.resolve("a.yaml")).all()).isFalse();
        assertThat(places(directory).all()).isTrue();

        Files.createSymbolicLink(directory.resolve("b.yaml"), file);
        assertThat(places(directory).all()).isFalse();
        assertThat(places(file).all()).isTrue();
    }

    @Test
    void what_is_not_there_may_come_by_a_symbolic_link() {
        assertThat(places(directory.resolve("c.yaml"))).isEqualTo(new Places(Set.of(directory), false));
    }

    @Test
    void standard_input_does_not_change() {
        assertThat(places(Path.of(InputReader.STDIN))).isEqualTo(new Places(Set.of(), true));
    }

    @Test
    void local_directories_tell_of_everything() throws IOException {
        Path memory = Path.of("/dev/shm");
        assumeTrue(Files.isDirectory(memory) && Files.getFileStore(memory).type().equals("tmpfs"));
        try (InputWatch watch = new InputWatch(() -> {})) {
            assertThat(watch.watch(Set.of(memory))).isTrue();
            assertThat(watch.watch(Set.of(memory, directory.resolve("absent")))).isFalse();
        }
    }

    @Test
    void other_file_systems_and_a_watch_that_is_closed_do_not() {
        Path kernel = Path.of("/proc/self");
        assumeTrue(Files.isDirectory(kernel));
        InputWatch watch = new InputWatch(() -> {});
        assertThat(watch.watch(Set.of(kernel))).isFalse();
        watch.close();
        assertThat(watch.watch(Set.of(directory))).isFalse();
    }
}
