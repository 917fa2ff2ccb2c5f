package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.api.model.AuthInfo;
import io.fabric8.kubernetes.api.model.Config;
import io.fabric8.kubernetes.api.model.NamedAuthInfo;
import io.fabric8.kubernetes.api.model.NamedCluster;
import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.internal.KubeConfigUtils;
import io.sluice.source.InputFile;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.SourceException;
import io.sluice.source.yaml.ReadingBudget;
import io.sluice.source.yaml.YamlException;
import io.sluice.source.yaml.YamlNode;
import io.sluice.source.yaml.YamlReader;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads a kubeconfig as kubectl does: null is the same as nothing, and what is tagged {@code !!binary} is a text in base64
 * (sigs.k8s.io/yaml). The Kubernetes client's own parser has no limits, keeps null, and knows no such tag.
 */
final class Kubeconfig {

    private static final String NO_KUBECONFIG =
            "is not a kubeconfig: it has to be YAML with kind: Config, clusters, contexts and users";
    private static final Pattern WHOLE_NUMBER = Pattern.compile("-?(0|[1-9][0-9]{0,17})");
    /** Where the client looks for the directory that relative paths begin at. */
    private static final String FILE_OF_CONTEXT = "KUBERNETES_CONFIG_CONTEXT_FILE_KEY";
    private static final String FILE_OF_CLUSTER = "KUBERNETES_CONFIG_CLUSTER_FILE_KEY";
    private static final String FILE_OF_USER = "KUBERNETES_CONFIG_AUTH_INFO_FILE_KEY";

    private Kubeconfig() {}

    /** Reads {@code file}; lists in it are never null, nor do they hold null. */
    static Config read(Path file) throws SourceException {
        YamlNode document;
        try {
            document = new YamlReader(InputFile.read(file, InputFile.SMALL), ReadingBudget.start()).single();
        } catch (IOException e) {
            throw wrong(file.toString(), "cannot be read: " + InputFile.reason(e));
        } catch (YamlException e) {
            throw wrong(file + ":" + e.line(), NO_KUBECONFIG);
        }
        // The messages of what fails here may show what is in the file, which may be a secret.
        if (!(document instanceof YamlNode.Mapping mapping)) {
            throw wrong(file.toString(), NO_KUBECONFIG);
        }
        try {
            Config read = KubeConfigUtils.parseConfigFromString(ApiClient.JSON.writeValueAsString(value(mapping)));
            read.setContexts(named(read.getContexts(), NamedContext::getName));
            read.setClusters(named(read.getClusters(), NamedCluster::getName));
            read.setUsers(named(read.getUsers(), NamedAuthInfo::getName));
            File origin = file.toFile();
            read.getContexts().forEach(context -> context.setAdditionalProperty(FILE_OF_CONTEXT, origin));
            read.getClusters().forEach(cluster -> cluster.setAdditionalProperty(FILE_OF_CLUSTER, origin));
            read.getUsers().forEach(user -> user.setAdditionalProperty(FILE_OF_USER, origin));
            return read;
        } catch (KubernetesClientException | IllegalArgumentException | ClassCastException e) {
            throw wrong(file.toString(), NO_KUBECONFIG);
        }
    }

    private static <T> List<T> named(@Nullable List<T> list, Function<T, @Nullable String> name) {
        return list == null
                ? new ArrayList<>()
                : new ArrayList<>(list.stream().filter(each -> name.apply(each) != null).toList());
    }

    /** What JSON has for {@code node}; members that are null are left out. */
    private static @Nullable Object value(YamlNode node) {
        return switch (node) {
            case YamlNode.Mapping mapping -> {
                Map<String, Object> members = new LinkedHashMap<>();
                for (YamlNode.Member member : mapping.members()) {
                    Object value = value(member.value());
                    if (value != null) {
                        members.put(member.key().text(), value);
                    }
                }
                yield members;
            }
            case YamlNode.Sequence sequence -> {
                List<Object> elements = new ArrayList<>();
                for (YamlNode element : sequence.elements()) {
                    Object value = value(element);
                    if (value != null) {
                        elements.add(value);
                    }
                }
                yield elements;
            }
            case YamlNode.Scalar scalar when scalar.isBinary() ->
                    new String(Base64.getMimeDecoder().decode(scalar.text()), StandardCharsets.UTF_8);
            case YamlNode.Scalar scalar -> switch (scalar.type()) {
                case NULL -> null;
                case BOOL -> Boolean.valueOf(scalar.text());
                case INT -> WHOLE_NUMBER.matcher(scalar.text()).matches()
                        ? (Object) Long.valueOf(scalar.text())
                        : scalar.text();
                case FLOAT, TEXT, OTHER -> scalar.text();
            };
        };
    }

    /**
     * What a field with base64 stands for, in base64 without the ends of lines, which Go's decoder passes over.
     *
     * @param field its name, for messages
     * @param begin what the text in it has to have, such as {@code BEGIN CERTIFICATE}
     */
    static @Nullable String data(@Nullable String written, String field, String begin, String origin)
            throws SourceException {
        if (written == null || written.isBlank()) {
            return null;
        }
        byte[] text;
        try {
            text = Base64.getDecoder().decode(written.replace("\n", "").replace("\r", "").strip());
        } catch (IllegalArgumentException e) {
            throw wrong(origin, "its " + field + " is not base64: encode the file with 'base64 -w0'");
        }
        if (!new String(text, StandardCharsets.ISO_8859_1).contains(begin)) {
            throw wrong(origin, "its " + field + " is base64, but of no file with '" + begin + "'");
        }
        String clean = Base64.getEncoder().encodeToString(text);
        Arrays.fill(text, (byte) 0);
        return clean;
    }

    /** A path of the entry {@code user} as it is meant: relative ones begin beside the kubeconfig. */
    static Path resolve(@Nullable NamedAuthInfo user, String path) {
        return directory(user == null ? Map.of() : user.getAdditionalProperties(), FILE_OF_USER).resolve(path);
    }

    /** Where the kubeconfig is that has {@code cluster}. */
    static Path directory(NamedCluster cluster) {
        return directory(cluster.getAdditionalProperties(), FILE_OF_CLUSTER);
    }

    private static Path directory(Map<String, Object> properties, String key) {
        Path parent = properties.get(key) instanceof File kubeconfig
                ? kubeconfig.toPath().toAbsolutePath().getParent()
                : null;
        return parent == null ? Path.of("").toAbsolutePath() : parent;
    }

    /** What {@code user} has; empty for no user. */
    static AuthInfo info(@Nullable NamedAuthInfo user) {
        AuthInfo info = user == null ? null : user.getUser();
        return info == null ? new AuthInfo() : info;
    }

    static SourceException wrong(String where, String what) {
        return new SourceException(List.of(new Problem(Severity.ERROR, where, "", what)));
    }
}
