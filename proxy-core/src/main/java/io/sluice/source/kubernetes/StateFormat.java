package io.sluice.source.kubernetes;

import io.sluice.service.Service;
import io.sluice.source.kubernetes.ClusterView.Contents;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.databind.JsonNode;

/**
 * The format of a state: a {@code List} of the objects in the form of the API, reduced to the fields in use, and a last line
 * with a checksum of all lines before it. Its first object, a ConfigMap, has the server and the time of the state, and the
 * version of the format. {@code sluice check -f} and people can read it. Pure.
 */
final class StateFormat {

    /** The version that is written. It grows when an older Sluice would misread a state. */
    static final int VERSION = 1;
    static final String VERSION_FIELD = "formatVersion";

    private static final byte[] BEGINNING = """
            {"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":"0"},"items":[
            {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"sluice-state\""""
            .getBytes(StandardCharsets.UTF_8);
    /** The number of bytes that {@link #mayBeState} needs. */
    static final int BEGINNING_LENGTH = BEGINNING.length;

    private static final String CHECKSUM = "# sha256 ";
    private static final int DIGEST_DIGITS = 64;

    private StateFormat() {}

    /** Whether {@code first}, the first bytes of a file, begin a state as far as they go: a state may be cut off. */
    static boolean mayBeState(byte[] first) {
        int length = Math.min(first.length, BEGINNING.length);
        return Arrays.equals(first, 0, length, BEGINNING, 0, length);
    }

    /** Writes {@code state}; the stream is neither flushed nor closed. */
    static void write(SavedState state, OutputStream out) throws IOException {
        DigestOutputStream digested = new DigestOutputStream(out, sha256());
        try (JsonGenerator json = ApiClient.JSON.writer().without(StreamWriteFeature.AUTO_CLOSE_TARGET)
                .without(StreamWriteFeature.FLUSH_PASSED_TO_STREAM).createGenerator(digested)) {
            new StateWriter(json).write(state);
        } catch (JacksonException e) {
            throw new IOException(e.getOriginalMessage(), e);
        }
        digested.write('\n');
        digested.on(false);
        out.write((CHECKSUM + HexFormat.of().formatHex(digested.getMessageDigest().digest()) + "\n")
                .getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Reads what {@link #write} has written.
     *
     * @throws IOException if {@code bytes} are anything else; the message says why, to go on after the file's name
     */
    static SavedState read(byte[] bytes, ObjectReader<EndpointSubsets> endpoints) throws IOException {
        Reading reading = new Reading(endpoints);
        try (ObjectStream stream = new ObjectStream(new ByteArrayInputStream(bytes, 0, checked(bytes)))) {
            stream.readList(reading::add);
        }
        return reading.state();
    }

    /** The state as far as it was read. */
    private static final class Reading {

        private final ObjectReader<EndpointSubsets> endpoints;
        private final List<Service> services = new ArrayList<>();
        private final Map<ObjectKey, EndpointSubsets> slices = new HashMap<>();
        private final Map<String, NodeFacts> nodes = new HashMap<>();
        private JsonNode about = ApiClient.JSON.missingNode();

        Reading(ObjectReader<EndpointSubsets> endpoints) {
            this.endpoints = endpoints;
        }

        void add(JsonNode item) throws IOException {
            JsonNode metadata = item.path("metadata");
            ObjectKey key =
                    new ObjectKey(metadata.path("namespace").asString(""), metadata.path("name").asString(""));
            switch (item.path("kind").asString("")) {
                case "Service" -> {
                    Service service = ServiceReader.read(key, item).value();
                    if (service != null) {
                        services.add(service);
                    }
                }
                case "EndpointSlice" -> {
                    EndpointSubsets slice = endpoints.read(key, item).value();
                    if (slice != null) {
                        slices.put(key, slice);
                    }
                }
                case "Node" -> {
                    NodeFacts node = NodeReader.read(key, item).value();
                    if (node != null) {
                        nodes.put(key.name(), node);
                    }
                }
                default -> setAbout(item.path("data"));
            }
        }

        /** The first releases wrote version 1 without saying so. */
        private void setAbout(JsonNode data) throws IOException {
            String version = data.path(VERSION_FIELD).asString(Integer.toString(VERSION));
            if (!version.equals(Integer.toString(VERSION))) {
                throw new IOException("has format " + ApiException.line(version) + ", and this Sluice reads format "
                        + VERSION);
            }
            about = data;
        }

        SavedState state() throws IOException {
            try {
                return new SavedState(Instant.parse(about.path("savedAt").asString("")),
                        about.path("server").asString(""), about.path("nodeName").asString(""),
                        about.path("servicesVersion").asString(""), about.path("endpointsVersion").asString(""),
                        new Contents(services, slices, nodes));
            } catch (DateTimeException e) {
                throw new IOException("does not say when it was written", e);
            }
        }
    }

    /** Where the line of the checksum begins, if the checksum is right. */
    private static int checked(byte[] bytes) throws IOException {
        int line = bytes.length - (CHECKSUM.length() + DIGEST_DIGITS + 1);
        if (line <= 0 || !new String(bytes, line, CHECKSUM.length(), StandardCharsets.UTF_8).equals(CHECKSUM)) {
            throw new IOException("is cut off or was not written by Sluice");
        }
        MessageDigest digest = sha256();
        digest.update(bytes, 0, line);
        byte[] written = Arrays.copyOfRange(bytes, line + CHECKSUM.length(), bytes.length - 1);
        if (!Arrays.equals(written, HexFormat.of().formatHex(digest.digest()).getBytes(StandardCharsets.UTF_8))) {
            throw new IOException("is damaged: its checksum is wrong");
        }
        return line;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
