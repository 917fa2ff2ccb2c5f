package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@EnabledOnOs(OS.LINUX)
class SocketFolderTest {

    @TempDir
    private Path runtime;

    @ParameterizedTest(name = "with mode {0}: {1}")
    @CsvSource({"rwx------, true", "rwxr-xr-x, true", "rwxrwx---, false", "rwxrwxrwx, false"})
    void the_runtime_directory_is_used_unless_others_may_write_to_it(String mode, boolean used) throws IOException {
        Files.setPosixFilePermissions(runtime, PosixFilePermissions.fromString(mode));
        assertThat(SocketFolder.path(1234, Map.of("XDG_RUNTIME_DIR", runtime.toString())))
                .isEqualTo(used
                        ? runtime.resolve("sluice")
                        : Path.of(System.getProperty("java.io.tmpdir"), "sluice-1234"));
    }
}
