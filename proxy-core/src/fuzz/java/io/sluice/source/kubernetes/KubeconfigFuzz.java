package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.sluice.source.SourceException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A kubeconfig. Files that it names are not read. */
class KubeconfigFuzz {

    @FuzzTest(maxDuration = "10m")
    void a_kubeconfig_is_read_or_refused_with_its_name(byte[] octets) throws IOException {
        Path file = Files.createTempFile("kubeconfig", "");
        try {
            Files.write(file, octets);
            assertThat(Kubeconfig.read(file).getContexts()).doesNotContainNull();
        } catch (SourceException e) {
            assertThat(e.getMessage()).contains(file.toString());
        } finally {
            Files.delete(file);
        }
    }
}
