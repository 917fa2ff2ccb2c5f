package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a program in the place of {@code kubectl kustomize} prints, and the directories whose edits count. */
class KustomizationTest {

    @TempDir
    private Path directory;

    private static byte[] build(String script) throws IOException {
        return Kustomization.build(List.of("sh", "-c", script), "overlays/dev", 100);
    }

    @Test
    void what_is_printed_for_the_directory_is_read() throws IOException {
        assertThat(build("echo \"kind: $0\"; echo a warning >&2")).asString().isEqualTo("kind: overlays/dev\n");
    }

    @ParameterizedTest
    @CsvSource(quoteCharacter = '~', value = {
            "echo first >&2; echo 'error: no kustomization.yaml' >&2; exit 1 => kubectl kustomize: no kustomization.yaml",
            "echo 'E1 run.go:72] \"command failed\" err=\"unable to find \\\"x\\\" in it\"' >&2; exit 1"
                    + " => kubectl kustomize: unable to find \"x\" in it",
            "exit 3 => kubectl kustomize: exit code 3",
            "printf %0101d 1 => the output of kubectl kustomize cannot be read: it is larger than "},
            delimiterString = " => ")
    void a_failure_is_one_line(String script, String message) {
        assertThatThrownBy(() -> build(script)).isInstanceOf(IOException.class).message().startsWith(message)
                .doesNotContain("\n");
    }

    @Test
    void what_is_missing_is_said_with_the_way_out() {
        assertThatThrownBy(() -> Kustomization.build(List.of("no-such-program"), "k8s", 100))
                .hasMessage("kubectl cannot be started, which -k needs: install it, or read with -f - what 'kustomize"
                        + " build k8s' prints");
    }

    @Test
    void the_directories_that_it_builds_on_are_followed_and_circles_end() throws IOException {
        kustomization("overlays/dev", "resources: [../../base, svc.yaml, 'https://example.com/x', ../../nowhere]\n"
                + "components: [../../metrics]");
        kustomization("base", "bases: [../overlays/dev, ../more]");
        kustomization("metrics", "[");
        kustomization("more", "resources: {}");
        kustomization("other", "");

        assertThat(Kustomization.directories(directory.resolve("overlays/dev")))
                .extracting(found -> directory.relativize(found).toString())
                .containsExactlyInAnyOrder("overlays/dev", "base", "metrics", "more");
    }

    private void kustomization(String name, String text) throws IOException {
        Files.writeString(Files.createDirectories(directory.resolve(name)).resolve("kustomization.yaml"), text);
    }
}
