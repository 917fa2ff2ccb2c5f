package io.sluice.cli.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.cli.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Our block in a hosts file. */
class HostsFileTest {

    private static final String BLOCK = HostsFile.BEGIN + "\n1.2.3.4\tapi\n" + HostsFile.END + "\n";

    @TempDir
    private Path directory;

    private static String text(String words) {
        return words.replace("BLOCK/", BLOCK).replace('/', '\n');
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            a file without the block     | a/b/            | a/b/BLOCK/      | a/b/
            one without an end of line   | a/b             | a/b/BLOCK/      | a/b
            an empty one                 | ''              | BLOCK/          | ''
            one that has it              | a/BLOCK/b/      | a/b/BLOCK/      | a/b/
            one that has it twice        | BLOCK/a/BLOCK/  | a/BLOCK/        | a/
            empty lines stay             | a///BLOCK//     | a////BLOCK/     | a////
            """)
    void the_block_is_put_in_and_taken_out_and_all_else_stays(String name, String before, String with, String without)
            throws FailureException {
        assertThat(HostsFile.with(text(before), "1.2.3.4\tapi\n")).as(name).isEqualTo(text(with));
        assertThat(HostsFile.with(text(before), "")).as(name).isEqualTo(text(without));
    }

    @Test
    void a_block_without_an_end_is_not_touched() throws IOException {
        Path file =
                Files.writeString(directory.resolve("hosts"), HostsFile.BEGIN + "\n1.2.3.4 a\n127.0.0.1 localhost\n");

        assertThatThrownBy(() -> HostsFile.write(file, "")).hasMessageContaining("no '# END sluice'");
        assertThat(file).content().endsWith("localhost\n");
    }

    @Test
    void the_file_keeps_its_permissions_and_a_link_stays_one() throws IOException, FailureException {
        Path real = Files.writeString(directory.resolve("real"), "127.0.0.1 localhost\n");
        Files.setPosixFilePermissions(real, PosixFilePermissions.fromString("rw-r--r--"));
        Path link = Files.createSymbolicLink(directory.resolve("hosts"), Path.of("real"));

        assertThat(HostsFile.write(link, "1.2.3.4\tapi\n")).isTrue();
        assertThat(HostsFile.write(link, "1.2.3.4\tapi\n")).isFalse();

        assertThat(link).isSymbolicLink();
        assertThat(real).content().isEqualTo("127.0.0.1 localhost\n" + BLOCK);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(real))).isEqualTo("rw-r--r--");
        assertThat(directory).isDirectoryNotContaining(file -> file.toString().endsWith(".sluice"));
    }

    @Test
    void remove_needs_no_daemon() throws IOException {
        Path file = Files.writeString(directory.resolve("hosts"), "a\n" + BLOCK);

        Console console = Console.run("hosts", "--remove", "--file", file.toString());

        assertThat(console.out()).isEqualTo("The names of Services are no longer in " + file + ".\n");
        assertThat(file).content().isEqualTo("a\n");
    }

    @Test
    void a_file_that_cannot_be_written_is_one_line() {
        Console console = Console.run("hosts", "--remove", "--file", directory.resolve("none").toString());

        assertThat(console.exitCode()).isEqualTo(1);
        assertThat(console.err()).isEqualTo("sluice: " + directory.resolve("none")
                + " cannot be written: there is no such file\n");
    }
}
