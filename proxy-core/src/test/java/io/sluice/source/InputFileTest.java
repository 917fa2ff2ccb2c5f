package io.sluice.source;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Files are read to a bound, and nothing that may never end is opened. */
@Timeout(60)
class InputFileTest {

    @TempDir
    private Path directory;

    private interface Reading {
        byte[] read() throws IOException;
    }

    private static String refusal(Reading reading) {
        return InputFile.reason(catchThrowableOfType(IOException.class, reading::read));
    }

    @Test
    void a_file_is_read_to_its_bound() throws IOException {
        Path file = Files.write(directory.resolve("file"), new byte[1 << 20]);
        Path link = Files.createSymbolicLink(directory.resolve("link"), file);
        assertThat(InputFile.read(link, 1 << 20)).hasSize(1 << 20);
        assertThat(refusal(() -> InputFile.read(file, (1 << 20) - 1))).isEqualTo("it is larger than 1048575 bytes");
        assertThat(refusal(() -> InputFile.readToEnd(file, (1 << 20) - 1)))
                .isEqualTo("it is larger than 1048575 bytes");
        assertThat(refusal(() -> InputFile.readToEnd(new ByteArrayInputStream(new byte[3]), 2)))
                .isEqualTo("it is larger than 2 bytes");
        assertThat(InputFile.readToEnd(new ByteArrayInputStream(new byte[3]), 3)).hasSize(3);
    }

    @Test
    void what_is_no_file_is_not_opened() throws Exception {
        Path pipe = directory.resolve("pipe");
        assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
        assertThat(refusal(() -> InputFile.read(pipe, 10))).isEqualTo("it is a pipe, not a file");
        assertThat(refusal(() -> InputFile.read(Path.of("/dev/zero"), 10))).isEqualTo("it is a device, not a file");
        assertThat(refusal(() -> InputFile.readToEnd(Path.of("/dev/zero"), 10))).startsWith("it is larger");
        assertThat(refusal(() -> InputFile.readToEnd(directory, 10))).isEqualTo("it is a directory, not a file");
        assertThat(refusal(() -> InputFile.read(directory.resolve("none"), 10))).isEqualTo("there is no such file");
        Path circle = Files.createSymbolicLink(directory.resolve("circle"), directory.resolve("circle"));
        assertThat(refusal(() -> InputFile.read(circle, 10))).startsWith("Too many levels of symbolic links");
        assertThat(InputFile.kind(circle, LinkOption.NOFOLLOW_LINKS)).isEqualTo(InputFile.Kind.LINK);
    }

    @Test
    void text_from_outside_is_shown_in_one_line() {
        assertThat(Excerpt.line("a\nb\tc\u001b[31m\u202e\u0085")).isEqualTo("a\\nb\\tc\\u001b[31m\\u202e\\u0085");
        assertThat(Excerpt.line("é 🙂 –")).isEqualTo("é 🙂 –");
        assertThat(Excerpt.line("'" + "x".repeat(1_000_000) + "' is not a name")).startsWith("'xxx")
                .contains("… (999536 characters) …").endsWith("xxx' is not a name").hasSizeLessThan(600);
        assertThat(Excerpt.of("x".repeat(120))).isEqualTo("x".repeat(120));
        assertThat(Excerpt.of("x".repeat(121))).isEqualTo("x".repeat(120) + "… (121 characters)");
    }
}
