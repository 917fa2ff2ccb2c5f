package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.sluice.source.Activity;
import io.sluice.service.Cidr;
import java.io.ByteArrayInputStream;
import java.time.Instant;
import java.util.List;

/** A file of manifests: YAML or JSON, in any encoding. */
class ManifestFuzz {

    private static final ManifestOptions OPTIONS = new ManifestOptions(List.of("-"),
            List.of(Cidr.parse("127.120.0.0/16"), Cidr.parse("fd00:120::/112")), 30_000, 32_767, "node-1");

    @FuzzTest(maxDuration = "10m")
    void a_file_has_services_or_problems_that_name_a_place(byte[] file) {
        InputReader input =
                new InputReader(OPTIONS.inputs(), new ByteArrayInputStream(file), new Activity("manifests"));

        LoadedManifests loaded = new SnapshotBuilder(OPTIONS, input).build(Instant.EPOCH);

        loaded.problems().forEach(problem -> assertThat(problem.toString()).isNotBlank());
        loaded.snapshot().services().forEach((name, state) -> {
            assertThat(state.service().name()).isEqualTo(name);
            assertThat(state.ports()).hasSameSizeAs(state.service().ports());
        });
    }
}
