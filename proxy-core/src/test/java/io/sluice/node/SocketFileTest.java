package io.sluice.node;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.handover.HandoverClient;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

@EnabledOnOs(OS.LINUX)
class SocketFileTest {

    @TempDir
    private Path directory;

    interface Preparation {
        void at(Path path) throws Exception;
    }

    private static Arguments row(String what, Preparation preparation, String says) {
        return Arguments.of(what, preparation, says);
    }

    private static Path beside(Path path) {
        return path.resolveSibling("other");
    }

    static Stream<Arguments> what_is_no_abandoned_socket_stays_as_it_is() {
        return Stream.of(
                row("a file", path -> Files.writeString(path, "precious"), "a file is there, and no socket"),
                row("an empty file", Files::createFile, "a file is there"),
                row("a directory", Files::createDirectory, "a directory is there"),
                row("a pipe", path -> new ProcessBuilder("mkfifo", path.toString()).start().waitFor(),
                        "a pipe is there"),
                row("a link to a file",
                        path -> Files.createSymbolicLink(path, Files.writeString(beside(path), "precious")),
                        "a symbolic link is there"),
                row("a link to nothing", path -> Files.createSymbolicLink(path, beside(path)),
                        "a symbolic link is there"),
                row("a link to an abandoned socket", path -> {
                    abandon(beside(path));
                    Files.createSymbolicLink(path, beside(path));
                }, "a symbolic link is there"));
    }

    /** Leaves a socket file as a killed process does. */
    private static void abandon(Path path) throws IOException {
        try (ServerSocketChannel socket = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            socket.bind(UnixDomainSocketAddress.of(path));
        }
    }

    private SocketFile listen(Path path) throws IOException {
        int socket = SystemCalls.socket(SocketOptions.AF_UNIX, SocketOptions.SOCK_SEQPACKET, 0);
        try {
            return SocketFile.listen(path, socket, 1);
        } catch (IOException e) {
            SystemCalls.close(socket);
            throw e;
        }
    }

    private List<String> files() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.map(file -> file.getFileName().toString()).sorted().toList();
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void what_is_no_abandoned_socket_stays_as_it_is(String what, Preparation preparation, String says)
            throws Exception {
        Path path = directory.resolve("socket");
        preparation.at(path);
        List<String> before = files();
        Object key = Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS);
        assertThatThrownBy(() -> listen(path)).as(what).isInstanceOf(IOException.class)
                .hasMessageStartingWith(path + ": ").hasMessageContaining(says).hasMessageContaining("hoose another");
        assertThatThrownBy(() -> SocketFile.removeAbandoned(path)).isInstanceOf(IOException.class);
        assertThat(files()).isEqualTo(before);
        assertThat(Files.getAttribute(path, "unix:ino", LinkOption.NOFOLLOW_LINKS)).isEqualTo(key);
    }

    @Test
    void a_socket_that_somebody_listens_at_stays_whatever_its_type() throws IOException {
        Path path = directory.resolve("socket");
        try (ServerSocketChannel other = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            other.bind(UnixDomainSocketAddress.of(path));
            assertThat(SocketFile.look(path)).isEqualTo(SocketFile.Found.IN_USE);
            assertThatThrownBy(() -> listen(path)).isInstanceOf(FileAlreadyExistsException.class);
            assertThatThrownBy(() -> HandoverClient.connect(path))
                    .hasMessage(
                            path + ": the socket of another program is there; it stays as it is. Choose another path");
            assertThat(files()).containsExactly("socket");
        }
    }

    @Test
    void what_a_dead_process_left_makes_room_and_the_new_socket_is_its_users_alone() throws IOException {
        Path path = directory.resolve("socket");
        abandon(path);
        SocketFile file = listen(path);
        assertThat(SocketFile.look(path)).isEqualTo(SocketFile.Found.IN_USE);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(path))).isEqualTo("rw-------");
        assertThat(files()).containsExactly("socket");
        file.remove();
        assertThat(files()).isEmpty();
    }

    @Test
    void at_the_end_only_the_own_file_is_removed() throws IOException {
        Path path = directory.resolve("socket");
        SocketFile file = listen(path);
        Files.delete(path);
        Files.writeString(path, "precious");
        file.remove();
        assertThat(path).hasContent("precious");
    }

    @Test
    void a_path_may_be_as_long_as_the_kernel_allows_and_not_longer() throws IOException {
        int room = 107 - directory.toString().length() - 1;
        Path longest = directory.resolve("s".repeat(room));
        assertThat(longest.toString()).hasSize(107);
        listen(longest).remove();
        Path longer = directory.resolve("s".repeat(room + 1));
        assertThatThrownBy(() -> listen(longer)).hasMessage(longer
                + ": the path is too long for a socket (108 bytes, 107 are possible); choose a shorter one");
        Path deep = directory.resolve("d".repeat(room - 2));
        Files.createDirectory(deep);
        listen(deep.resolve("s")).remove();
        assertThat(deep).isEmptyDirectory();
    }

    @Test
    void a_directory_that_others_may_write_to_is_refused_unless_it_is_sticky() throws IOException {
        Path open = Files.createDirectory(directory.resolve("open"));
        for (String mode : List.of("rwxrwx---", "rwx----w-", "rwxrwxrwx")) {
            Files.setPosixFilePermissions(open, PosixFilePermissions.fromString(mode));
            assertThatThrownBy(() -> listen(open.resolve("s"))).as(mode)
                    .hasMessageStartingWith(open + ": others may write to the directory")
                    .hasMessageContaining("chmod go-w");
        }
        Files.setAttribute(open, "unix:mode", 01777);
        listen(open.resolve("s")).remove();
        assertThatThrownBy(() -> listen(directory.resolve("none").resolve("s")))
                .hasMessageContaining("there is no such directory; make it");
    }
}
