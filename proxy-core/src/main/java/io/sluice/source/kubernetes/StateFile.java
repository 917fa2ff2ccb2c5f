package io.sluice.source.kubernetes;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Service;
import io.sluice.service.ServicePort;
import io.sluice.service.SessionAffinity;
import io.sluice.service.TrafficPolicy;
import io.sluice.source.InputFile;
import io.sluice.source.InputFile.Kind;
import io.sluice.source.kubernetes.ClusterView.Contents;
import io.sluice.source.kubernetes.EndpointGroups.Address;
import io.sluice.source.kubernetes.EndpointGroups.Group;
import io.sluice.source.kubernetes.EndpointGroups.Port;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.databind.JsonNode;

/**
 * The last good state on disk: a {@code List} of the objects in the form of the API, reduced to what is used of them, and
 * a last line with a checksum over all before it. It is readable by {@code sluice check -f} and by people.
 *
 * <p>Written to a file beside it, flushed to the disk and renamed, so that there is always one whole state. It decides
 * where traffic goes, so it is believed only if nobody but this user and root can have written it; and as its path may be
 * mistyped, nothing but a state is ever replaced. Not thread-safe.
 */
final class StateFile {

    /** What each begins with; nothing else is put in the place of. */
    private static final String BEGINNING = """
            {"apiVersion":"v1","kind":"List","metadata":{"resourceVersion":"0"},"items":[
            {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"sluice-state\"""";
    private static final String CHECKSUM = "# sha256 ";
    /** A cluster of 10,000 Services needs a tenth. */
    private static final int MAX_BYTES = 256 * 1024 * 1024;
    private static final String NEXT = ".next";
    /** Nobody writes that long without a pause. */
    private static final Duration LEFT_BEHIND = Duration.ofMinutes(10);
    private static final int WRITABLE_BY_OTHERS = 0022;
    /** Whoever may write such a directory can neither rename nor delete what is not theirs (inode(7)). */
    private static final int STICKY = 01000;
    private static final int PIECE = 64 * 1024;
    /** For each millisecond of writing, so many for others. */
    private static final int REST = 3;
    private static final long LONGEST_REST_NANOS = 50_000_000;

    private final Path file;
    private final BooleanSupplier hurry;
    private boolean swept;

    /** @param hurry whether the one who waits for it matters more than what else the processor could do; any thread */
    StateFile(Path file, BooleanSupplier hurry) {
        this.file = file;
        this.hurry = hurry;
    }

    /** The whole of it, and where it comes from. */
    record State(Instant savedAt, String server, String nodeName, String servicesVersion, String endpointsVersion,
            Contents contents) {}

    /**
     * Puts {@code state} in the place of the one that was there.
     *
     * @throws IOException if it cannot be written, or if something else is there; what was there stays
     */
    void write(State state) throws IOException {
        Path directory = directory();
        Files.createDirectories(directory, permissions("rwx------"));
        refuseToReplaceAnythingElse();
        if (!swept) {
            sweep(directory);
            swept = true;
        }
        // CREATE_NEW: neither a link that somebody put there nor the file of another daemon is ever written to.
        Path next = Files.createTempFile(directory, file.getFileName() + ".", NEXT, permissions("rw-------"));
        try {
            write(state, next);
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(next);
        }
    }

    private Path directory() throws IOException {
        Path directory = file.toAbsolutePath().getParent();
        if (directory == null) {
            throw new IOException("it is a directory, not a file");
        }
        return directory;
    }

    private static FileAttribute<Set<PosixFilePermission>> permissions(String words) {
        return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(words));
    }

    private void refuseToReplaceAnythingElse() throws IOException {
        try {
            Kind kind = InputFile.kind(file, LinkOption.NOFOLLOW_LINKS);
            if (kind != Kind.FILE) {
                throw new IOException("it is " + kind + ", not a file; it is left as it is: name another");
            }
            if (!isState(file)) {
                throw new IOException("there is a file that Sluice did not write; it is left as it is: name another");
            }
        } catch (NoSuchFileException e) {
            return;
        }
    }

    /** Whether it is one as far as it goes: one that was cut off, or an empty file, holds nothing for anybody. */
    private static boolean isState(Path path) throws IOException {
        try (InputStream in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
            return BEGINNING.startsWith(new String(in.readNBytes(BEGINNING.length()), StandardCharsets.UTF_8));
        }
    }

    /** Removes what a daemon that was killed while it wrote has left behind. */
    private void sweep(Path directory) throws IOException {
        String begin = file.getFileName() + ".";
        try (DirectoryStream<Path> left = Files.newDirectoryStream(directory, path -> {
            String name = path.getFileName().toString();
            return name.startsWith(begin) && name.endsWith(NEXT)
                    && Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                    && Files.getLastModifiedTime(path).toInstant().isBefore(Instant.now().minus(LEFT_BEHIND))
                    && isState(path);
        })) {
            for (Path path : left) {
                Files.deleteIfExists(path);
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private void write(State state, Path next) throws IOException {
        try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            OutputStream out = new BufferedOutputStream(new Unhurried(Channels.newOutputStream(channel)), PIECE);
            DigestOutputStream digested = new DigestOutputStream(out, sha256());
            try (JsonGenerator json = ApiClient.JSON.writer().without(StreamWriteFeature.AUTO_CLOSE_TARGET)
                    .createGenerator(digested)) {
                new Writer(json).write(state);
            }
            digested.write('\n');
            digested.on(false);
            out.write((CHECKSUM + HexFormat.of().formatHex(digested.getMessageDigest().digest()) + "\n")
                    .getBytes(StandardCharsets.UTF_8));
            out.flush();
            channel.force(true);
        } catch (JacksonException e) {
            throw new IOException(e.getOriginalMessage(), e);
        }
    }

    /** Rests after each piece, unless there is a hurry: a large state is a second's work, and connections come first. */
    private final class Unhurried extends OutputStream {

        private final OutputStream to;
        private long since = System.nanoTime();

        Unhurried(OutputStream to) {
            this.to = to;
        }

        @Override
        public void write(byte[] bytes, int from, int length) throws IOException {
            to.write(bytes, from, length);
            if (!hurry.getAsBoolean()) {
                LockSupport.parkNanos(Math.min(REST * (System.nanoTime() - since), LONGEST_REST_NANOS));
            }
            since = System.nanoTime();
        }

        @Override
        public void write(int oneByte) throws IOException {
            write(new byte[] {(byte) oneByte}, 0, 1);
        }
    }

    /**
     * What was written last; empty if nothing ever was.
     *
     * @throws IOException if it cannot be read, may be written by others, or is not what was written; the message says so
     *                     without the file's name
     */
    Optional<State> read(ObjectReader<EndpointGroups> endpoints) throws IOException {
        byte[] bytes;
        try {
            Kind kind = InputFile.kind(file, LinkOption.NOFOLLOW_LINKS);
            if (kind != Kind.FILE) {
                throw new IOException("is " + kind + ", not a file");
            }
            trust();
            bytes = InputFile.read(file, (int) Math.min(MAX_BYTES, Runtime.getRuntime().maxMemory() / 4));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (FileSystemException e) {
            throw new IOException("cannot be read: " + InputFile.reason(e), e);
        }
        int end = checked(bytes);
        try (ObjectStream stream = new ObjectStream(new ByteArrayInputStream(bytes, 0, end))) {
            JsonNode[] head = new JsonNode[1];
            List<Service> services = new ArrayList<>();
            Map<ObjectKey, EndpointGroups> groups = new HashMap<>();
            Map<String, NodeFacts> nodes = new HashMap<>();
            stream.readList(item -> {
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
                        EndpointGroups read = endpoints.read(key, item).value();
                        if (read != null) {
                            groups.put(key, read);
                        }
                    }
                    case "Node" -> {
                        NodeFacts read = NodeReader.read(key, item).value();
                        if (read != null) {
                            nodes.put(key.name(), read);
                        }
                    }
                    default -> head[0] = item;
                }
            });
            JsonNode about = head[0] == null ? ApiClient.JSON.missingNode() : head[0].path("data");
            return Optional.of(new State(Instant.parse(about.path("savedAt").asString("")),
                    about.path("server").asString(""), about.path("nodeName").asString(""),
                    about.path("servicesVersion").asString(""), about.path("endpointsVersion").asString(""),
                    new Contents(services, groups, nodes)));
        } catch (DateTimeException e) {
            throw new IOException("does not say when it was written", e);
        }
    }

    /** Who can write the file, or put another in its place, would decide where traffic goes. */
    private void trust() throws IOException {
        Integer user = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        trust("", file, user, 0);
        trust("is in a directory that ", directory(), user, STICKY);
    }

    private static void trust(String what, Path path, @Nullable Integer user, int excuse) throws IOException {
        Map<String, Object> attributes = Files.readAttributes(path, "unix:uid,mode");
        Object owner = attributes.get("uid");
        if (!Integer.valueOf(0).equals(owner) && !Objects.equals(user, owner)) {
            throw new IOException(what + "belongs to another user (" + owner + "), and so is not believed");
        }
        int mode = (Integer) Objects.requireNonNull(attributes.get("mode"));
        if ((mode & WRITABLE_BY_OTHERS) != 0 && (mode & excuse) == 0) {
            throw new IOException(what + "other users may write, and so is not believed (chmod go-w " + path + ")");
        }
    }

    /** Where the checksum's line begins, if it is right. */
    private static int checked(byte[] bytes) throws IOException {
        int line = bytes.length - (CHECKSUM.length() + 64 + 1);
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

    /** Writes objects as the API has them, as far as {@link ServiceReader} and {@link EndpointReader} read them. */
    private record Writer(JsonGenerator json) {

        void write(State state) {
            json.writeStartObject();
            json.writeStringProperty("apiVersion", "v1");
            json.writeStringProperty("kind", "List");
            json.writeObjectPropertyStart("metadata");
            json.writeStringProperty("resourceVersion", "0");
            json.writeEndObject();
            json.writeArrayPropertyStart("items");
            begin("v1", "ConfigMap", new ObjectKey("kube-system", "sluice-state"));
            json.writeEndObject();
            json.writeObjectPropertyStart("data");
            json.writeStringProperty("savedAt", state.savedAt().toString());
            json.writeStringProperty("server", state.server());
            json.writeStringProperty("nodeName", state.nodeName());
            json.writeStringProperty("servicesVersion", state.servicesVersion());
            json.writeStringProperty("endpointsVersion", state.endpointsVersion());
            json.writeEndObject();
            json.writeEndObject();
            state.contents().nodes().forEach(this::node);
            state.contents().services().forEach(this::service);
            state.contents().groups().forEach(this::slices);
            json.writeEndArray();
            json.writeEndObject();
        }

        /** Leaves {@code metadata} open. */
        private void begin(String version, String kind, ObjectKey key) {
            json.writeRaw('\n');
            json.writeStartObject();
            json.writeStringProperty("apiVersion", version);
            json.writeStringProperty("kind", kind);
            json.writeObjectPropertyStart("metadata");
            json.writeStringProperty("name", key.name());
            if (!key.namespace().isEmpty()) {
                json.writeStringProperty("namespace", key.namespace());
            }
        }

        private void node(String name, NodeFacts facts) {
            begin("v1", "Node", new ObjectKey("", name));
            if (facts.zone() != null) {
                map("labels", Map.of("topology.kubernetes.io/zone", facts.zone()));
            }
            json.writeEndObject();
            if (!facts.addresses().isEmpty()) {
                json.writeObjectPropertyStart("status");
                json.writeArrayPropertyStart("addresses");
                for (InetAddress address : facts.addresses()) {
                    json.writeStartObject();
                    json.writeStringProperty("type", "InternalIP");
                    json.writeStringProperty("address", IpAddresses.format(address));
                    json.writeEndObject();
                }
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }

        private void service(Service service) {
            begin("v1", "Service", new ObjectKey(service.name().namespace(), service.name().name()));
            json.writeStringProperty("creationTimestamp", service.createdAt().toString());
            map("annotations", service.annotations());
            json.writeEndObject();
            json.writeObjectPropertyStart("spec");
            json.writeStringProperty("type", service.type().apiName());
            if (service.headless()) {
                json.writeStringProperty("clusterIP", "None");
            } else if (!service.clusterIps().isEmpty()) {
                json.writeStringProperty("clusterIP", IpAddresses.format(service.clusterIps().getFirst()));
                addresses("clusterIPs", service.clusterIps());
                if (service.clusterIps().size() > 1) {
                    json.writeStringProperty("ipFamilyPolicy", "RequireDualStack");
                }
            }
            text("externalName", service.externalName());
            json.writeArrayPropertyStart("ports");
            service.ports().forEach(this::servicePort);
            json.writeEndArray();
            policy("internalTrafficPolicy", service.internalTrafficPolicy());
            policy("externalTrafficPolicy", service.externalTrafficPolicy());
            if (service.sessionAffinity() instanceof SessionAffinity.ClientIp affinity) {
                json.writeStringProperty("sessionAffinity", "ClientIP");
                json.writeObjectPropertyStart("sessionAffinityConfig");
                json.writeObjectPropertyStart("clientIP");
                json.writeNumberProperty("timeoutSeconds", affinity.timeout().toSeconds());
                json.writeEndObject();
                json.writeEndObject();
            }
            addresses("externalIPs", service.externalIps());
            texts("loadBalancerSourceRanges",
                    service.loadBalancerSourceRanges().stream().map(Cidr::toString).toList());
            if (service.healthCheckNodePort() != 0) {
                json.writeNumberProperty("healthCheckNodePort", service.healthCheckNodePort());
            }
            if (service.publishNotReadyAddresses()) {
                json.writeBooleanProperty("publishNotReadyAddresses", true);
            }
            map("selector", service.selector());
            json.writeEndObject();
            if (!service.loadBalancerIps().isEmpty()) {
                json.writeObjectPropertyStart("status");
                json.writeObjectPropertyStart("loadBalancer");
                json.writeArrayPropertyStart("ingress");
                for (InetAddress ip : service.loadBalancerIps()) {
                    json.writeStartObject();
                    json.writeStringProperty("ip", IpAddresses.format(ip));
                    json.writeEndObject();
                }
                json.writeEndArray();
                json.writeEndObject();
                json.writeEndObject();
            }
            json.writeEndObject();
        }

        private void servicePort(ServicePort port) {
            json.writeStartObject();
            text("name", port.name().isEmpty() ? null : port.name());
            json.writeStringProperty("protocol", port.protocol().name());
            json.writeNumberProperty("port", port.port());
            if (port.nodePort() != 0) {
                json.writeNumberProperty("nodePort", port.nodePort());
            }
            if (port.targetPort().chars().allMatch(Character::isDigit)) {
                json.writeNumberProperty("targetPort", Integer.parseInt(port.targetPort()));
            } else {
                json.writeStringProperty("targetPort", port.targetPort());
            }
            text("appProtocol", port.appProtocol());
            json.writeEndObject();
        }

        private void policy(String name, TrafficPolicy policy) {
            if (policy == TrafficPolicy.LOCAL) {
                json.writeStringProperty(name, "Local");
            }
        }

        /** Endpoints with several subsets, or with both families, become as many slices. */
        private void slices(ObjectKey key, EndpointGroups groups) {
            int count = 0;
            for (Group group : groups.groups()) {
                for (IpFamily family : IpFamily.values()) {
                    List<Address> addresses =
                            group.addresses().stream().filter(a -> IpFamily.of(a.ip()) == family).toList();
                    if (!addresses.isEmpty()) {
                        String name = count++ == 0 ? key.name() : key.name() + "." + count;
                        slice(new ObjectKey(key.namespace(), name), groups, group.ports(), family, addresses);
                    }
                }
            }
        }

        private void slice(ObjectKey key, EndpointGroups groups, List<Port> ports, IpFamily family,
                List<Address> addresses) {
            begin("discovery.k8s.io/v1", "EndpointSlice", key);
            map("labels", Map.of("kubernetes.io/service-name", groups.service().name()));
            json.writeEndObject();
            json.writeStringProperty("addressType", family.apiName());
            json.writeArrayPropertyStart("ports");
            for (Port port : ports) {
                json.writeStartObject();
                json.writeStringProperty("name", port.name());
                json.writeStringProperty("protocol", port.protocol().name());
                json.writeNumberProperty("port", port.number());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeArrayPropertyStart("endpoints");
            addresses.forEach(this::address);
            json.writeEndArray();
            json.writeEndObject();
        }

        private void address(Address address) {
            json.writeStartObject();
            addresses("addresses", List.of(address.ip()));
            json.writeObjectPropertyStart("conditions");
            json.writeBooleanProperty("ready", address.ready());
            json.writeBooleanProperty("serving", address.serving());
            json.writeBooleanProperty("terminating", address.terminating());
            json.writeEndObject();
            text("nodeName", address.node());
            text("zone", address.zone());
            text("hostname", address.hostname());
            if (!address.zoneHints().isEmpty() || !address.nodeHints().isEmpty()) {
                json.writeObjectPropertyStart("hints");
                names("forZones", address.zoneHints());
                names("forNodes", address.nodeHints());
                json.writeEndObject();
            }
            if (address.target() != null) {
                json.writeObjectPropertyStart("targetRef");
                json.writeStringProperty("kind", "Pod");
                json.writeStringProperty("name", address.target());
                json.writeEndObject();
            }
            json.writeEndObject();
        }

        private void names(String name, Set<String> values) {
            if (!values.isEmpty()) {
                json.writeArrayPropertyStart(name);
                for (String value : values) {
                    json.writeStartObject();
                    json.writeStringProperty("name", value);
                    json.writeEndObject();
                }
                json.writeEndArray();
            }
        }

        private void addresses(String name, List<InetAddress> addresses) {
            texts(name, addresses.stream().map(IpAddresses::format).toList());
        }

        private void texts(String name, Collection<String> values) {
            if (!values.isEmpty()) {
                json.writeArrayPropertyStart(name);
                values.forEach(json::writeString);
                json.writeEndArray();
            }
        }

        private void map(String name, Map<String, String> map) {
            if (!map.isEmpty()) {
                json.writeObjectPropertyStart(name);
                map.forEach(json::writeStringProperty);
                json.writeEndObject();
            }
        }

        private void text(String name, @Nullable String value) {
            if (value != null) {
                json.writeStringProperty(name, value);
            }
        }
    }
}
