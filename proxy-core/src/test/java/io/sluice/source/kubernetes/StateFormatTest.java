package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.service.IpAddresses;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.source.kubernetes.ClusterView.Contents;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A state is read as it was written, by the version that it says, and nothing else is. */
class StateFormatTest {

    private static final SavedState STATE = new SavedState(Instant.parse("2026-11-23T10:00:00Z"),
            "https://10.0.0.1:6443", "node-1", "77", "78",
            new Contents(List.of(), Map.of(), Map.of("node-1", new NodeFacts("zone-1", false, List.of()))));

    private static String written() throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        StateFormat.write(STATE, out);
        return out.toString(StandardCharsets.UTF_8);
    }

    private static SavedState read(String text) throws IOException {
        return StateFormat.read(text.getBytes(StandardCharsets.UTF_8), new EndpointReader(false, Instant.EPOCH)::slice);
    }

    /** With the checksum that belongs to it. */
    private static String signed(String list) throws Exception {
        return list + "# sha256 " + HexFormat.of().formatHex(
                MessageDigest.getInstance("SHA-256").digest(list.getBytes(StandardCharsets.UTF_8))) + "\n";
    }

    private static String list() throws IOException {
        String written = written();
        return written.substring(0, written.indexOf("# sha256"));
    }

    @Test
    void what_is_written_is_read() throws IOException {
        assertThat(read(written())).isEqualTo(STATE);
    }

    @Test
    void a_service_that_is_left_to_another_proxy_stays_so() throws IOException {
        Service theirs = Service.builder(new ServiceName("default", "theirs"))
                .clusterIps(List.of(IpAddresses.parse("10.96.0.1")))
                .exclusion("service.kubernetes.io/service-proxy-name").build();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        StateFormat.write(new SavedState(STATE.savedAt(), STATE.server(), "node-1", "77", "78",
                new Contents(List.of(theirs), Map.of(), Map.of())), out);

        assertThat(read(out.toString(StandardCharsets.UTF_8)).contents().services()).containsExactly(theirs);
    }

    @Test
    void a_state_that_says_no_version_has_the_first_one() throws Exception {
        String old = list().replace("\"formatVersion\":\"1\",", "");
        assertThat(old).isNotEqualTo(list());
        assertThat(read(signed(old))).isEqualTo(STATE);
    }

    @Test
    void a_state_of_a_later_version_is_not_read() throws Exception {
        String later = signed(list().replace("\"formatVersion\":\"1\"", "\"formatVersion\":\"2\""));
        assertThatThrownBy(() -> read(later)).isInstanceOf(IOException.class)
                .hasMessage("has format 2, and this Sluice reads format 1");
    }

    @Test
    void a_state_without_a_date_or_without_its_checksum_is_not_read() throws Exception {
        String undated = signed(list().replace("\"savedAt\"", "\"writtenAt\""));
        assertThatThrownBy(() -> read(undated)).hasMessage("does not say when it was written");
        String unsigned = list();
        assertThatThrownBy(() -> read(unsigned)).hasMessage("is cut off or was not written by Sluice");
        String changed = written().replace("zone-1", "zone-2");
        assertThatThrownBy(() -> read(changed)).hasMessage("is damaged: its checksum is wrong");
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            the whole beginning    | 1000 | true
            one that was cut off   | 20   | true
            an empty file          | 0    | true
            """)
    void a_state_is_known_by_its_beginning(String what, int bytes, boolean mayBe) throws IOException {
        byte[] whole = written().getBytes(StandardCharsets.UTF_8);
        byte[] first = Arrays.copyOf(whole, Math.min(bytes, StateFormat.BEGINNING_LENGTH));
        assertThat(StateFormat.mayBeState(first)).isEqualTo(mayBe);
    }

    @ParameterizedTest
    @CsvSource({"precious", "{\"apiVersion\":\"v1\"; \"kind\":\"Pod\"}", "{}"})
    void what_begins_otherwise_is_none(String text) {
        assertThat(StateFormat.mayBeState(text.getBytes(StandardCharsets.UTF_8))).isFalse();
    }
}
