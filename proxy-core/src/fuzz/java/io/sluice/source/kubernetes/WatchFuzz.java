package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** The watch of a kind, which the first octet chooses. */
class WatchFuzz {

    private static final EndpointReader ENDPOINTS = new EndpointReader(true, Instant.EPOCH);
    private static final List<ObjectKind> KINDS = List.of(ObjectKind.values());

    @FuzzTest(maxDuration = "10m")
    void an_event_is_taken_or_the_watch_ends_with_a_reason(byte[] octets) {
        if (octets.length == 0) {
            return;
        }
        ObjectKind kind = KINDS.get((octets[0] & 0xff) % KINDS.size());
        ClusterView view = new ClusterView("node-1");
        String version = "5";
        try (ObjectStream events = new ObjectStream(new ByteArrayInputStream(octets, 1, octets.length - 1))) {
            for (JsonNode event = events.nextEvent(); event != null; event = events.nextEvent()) {
                WatchEvent read = WatchEvent.read(event, kind, version);
                assertThat(read.version()).isNotEmpty();
                version = read.version();
                switch (kind) {
                    case SERVICE -> take(read, view.services(), ServiceReader::read);
                    case ENDPOINT_SLICE -> take(read, view.endpoints(), ENDPOINTS::slice);
                    case ENDPOINTS -> take(read, view.endpoints(), ENDPOINTS::endpoints);
                    case NODE -> take(read, view.node(), NodeReader::read);
                }
                view.snapshotIfChanged(1, Instant.EPOCH);
            }
        } catch (IOException e) {
            assertThat(e.getMessage()).isNotBlank();
        }
    }

    private static <T> void take(WatchEvent event, ClusterView.Part<T> part, ObjectReader<T> reader) {
        switch (event) {
            case WatchEvent.Put put -> {
                T value = reader.read(put.key(), put.object()).value();
                if (value == null) {
                    part.remove(put.key());
                } else {
                    part.put(Map.of(put.key(), value));
                }
            }
            case WatchEvent.Removed removed -> part.remove(removed.key());
            case WatchEvent.Bookmark _ -> {
            }
        }
    }
}
