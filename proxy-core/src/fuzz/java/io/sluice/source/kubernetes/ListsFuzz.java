package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.sluice.service.ClusterSnapshot;
import io.sluice.source.kubernetes.ObjectStream.ListHead;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;

/** Lists of an API server, one for each kind; the file has one after the other, between zeros. */
class ListsFuzz {

    private static final EndpointReader ENDPOINTS = new EndpointReader(false, Instant.EPOCH);

    @FuzzTest(maxDuration = "10m")
    void what_is_believed_can_be_merged_and_saved(byte[] octets) throws IOException {
        ClusterView view = new ClusterView("node-1");
        int begin = 0;
        for (ObjectKind kind : ObjectKind.values()) {
            int end = begin;
            while (end < octets.length && octets[end] != 0) {
                end++;
            }
            try (ObjectStream list = new ObjectStream(new ByteArrayInputStream(octets, begin, end - begin))) {
                switch (kind) {
                    case SERVICE -> view.services().replace(read(list, kind, ServiceReader::read));
                    case ENDPOINT_SLICE -> view.endpoints().replace(read(list, kind, ENDPOINTS::slice));
                    case ENDPOINTS -> view.endpoints().put(read(list, kind, ENDPOINTS::endpoints));
                    case NODE -> view.node().replace(read(list, kind, NodeReader::read));
                }
            } catch (IOException e) {
                // Not believed: the view stays as it is.
                assertThat(e.getMessage()).isNotBlank();
            }
            begin = Math.min(octets.length, end + 1);
        }

        ClusterSnapshot snapshot = view.snapshotIfChanged(1, Instant.EPOCH);

        if (snapshot != null) {
            snapshot.services().forEach((name, state) -> assertThat(state.ports())
                    .hasSameSizeAs(state.service().ports()));
        }
        SavedState state = new SavedState(Instant.EPOCH, "https://192.0.2.1:6443", "node-1", "1", "1",
                view.contents());
        ByteArrayOutputStream saved = new ByteArrayOutputStream();
        StateFormat.write(state, saved);
        ClusterSnapshot again = ClusterView.of("node-1", StateFormat.read(saved.toByteArray(), ENDPOINTS::slice)
                .contents()).snapshotIfChanged(1, Instant.EPOCH);
        if (snapshot != null && again != null) {
            assertThat(again.services()).isEqualTo(snapshot.services());
        }
    }

    private static <T> Map<ObjectKey, T> read(ObjectStream list, ObjectKind kind, ObjectReader<T> reader)
            throws IOException {
        ListCheck check = new ListCheck(kind);
        Map<ObjectKey, T> objects = new HashMap<>();
        ListHead head = list.readList(check::head, item -> {
            ObjectKey key = check.item(item);
            ReadObject<T> read = reader.read(key, item);
            if (read.value() != null) {
                objects.put(key, read.value());
            }
        });
        check.page(head, list.bytes());
        return objects;
    }
}
