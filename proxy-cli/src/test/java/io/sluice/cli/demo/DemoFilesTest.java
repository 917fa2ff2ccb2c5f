package io.sluice.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The demo removes what it made, and nothing else. */
class DemoFilesTest {

    @Test
    void what_somebody_put_beside_the_files_stays() throws IOException {
        DemoFiles files = DemoFiles.unpack();
        Path note = Files.writeString(files.directory().resolve("note.txt"), "precious");
        Files.createFile(files.directory().resolve(".kubia-svc.yaml.swp"));
        Files.createFile(files.directory().resolve("kubia-svc.yaml~"));
        files.close();
        try (var left = Files.list(files.directory())) {
            assertThat(left).containsExactly(note);
        }
        Files.delete(note);
        Files.delete(files.directory());

        DemoFiles untouched = DemoFiles.unpack();
        untouched.close();
        assertThat(untouched.directory()).doesNotExist();
    }
}
