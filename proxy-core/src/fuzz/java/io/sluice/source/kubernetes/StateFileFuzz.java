package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HexFormat;

/** A state file whose checksum is right: the octets are what comes before it. */
class StateFileFuzz {

    private static final EndpointReader ENDPOINTS = new EndpointReader(false, Instant.EPOCH);

    @FuzzTest(maxDuration = "10m")
    void a_state_is_read_or_refused_with_a_reason(byte[] octets) throws NoSuchAlgorithmException {
        byte[] line = ("# sha256 " + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(octets))
                + "\n").getBytes(StandardCharsets.US_ASCII);
        byte[] file = new byte[octets.length + line.length];
        System.arraycopy(octets, 0, file, 0, octets.length);
        System.arraycopy(line, 0, file, octets.length, line.length);
        try {
            SavedState state = StateFormat.read(file, ENDPOINTS::slice);
            ClusterView.of(state.nodeName(), state.contents()).snapshotIfChanged(1, Instant.EPOCH);
        } catch (IOException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }
}
