package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.api.model.AuthInfo;
import io.fabric8.kubernetes.api.model.NamedAuthInfo;
import io.fabric8.kubernetes.api.model.NamedCluster;
import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.internal.KubeConfigUtils;
import io.sluice.service.IpAddresses;
import io.sluice.source.InputFile;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.SourceException;
import io.sluice.source.kubernetes.ApiServerLocator.Protection;
import io.sluice.source.yaml.ReadingBudget;
import io.sluice.source.yaml.YamlException;
import io.sluice.source.yaml.YamlReader;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.net.ssl.SNIHostName;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Where the API server is and how we show who we are, found as kubectl finds it: the file that is given, else every file
 * that {@code KUBECONFIG} names, merged, else {@code ~/.kube/config}, else the service account of the pod. In a merge the
 * first file that says something wins (k8s.io/client-go tools/clientcmd).
 *
 * <p>Unlike kubectl it never guesses {@code localhost:8080}. Everything that cannot work is told before the first
 * request, in one line; after that, whatever the files say is read anew by {@link #resolve} when the server does not
 * accept us any more, so that rotated certificates and tokens are found.
 *
 * @param config    for the Kubernetes client
 * @param server    URL of the API server, without a slash at the end
 * @param origin    what all this was read from, for messages
 * @param tlsServerName whose certificate is wanted, if not the one of the URL's address; else empty
 */
record Credentials(Config config, String server, String origin, String tlsServerName) {

    /** Where the kubelet puts a pod's service account. */
    static final Path SERVICE_ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");

    private static final int CONNECT_TIMEOUT_MILLIS = 10_000;
    private static final String NO_KUBECONFIG =
            "is not a kubeconfig: it has to be YAML with kind: Config, clusters, contexts and users";

    /**
     * Reads the files and runs a credential plugin, if one is named.
     *
     * @throws SourceException if there is nothing to connect to or with
     */
    static Credentials resolve(KubernetesOptions options, Path serviceAccount) throws SourceException {
        List<Path> files = files(options);
        Credentials found =
                files.isEmpty() ? withoutKubeconfig(options, serviceAccount) : fromKubeconfig(options, files);
        Config config = found.config;
        config.setHttp2Disable(true);
        config.setRequestRetryBackoffLimit(0);
        config.setConnectionTimeout(CONNECT_TIMEOUT_MILLIS);
        config.setUserAgent("sluice");
        for (String file : Stream.of(config.getCaCertFile(), config.getClientCertFile(), config.getClientKeyFile())
                .filter(Objects::nonNull).toList()) {
            try {
                InputFile.read(Path.of(file), InputFile.SMALL);
            } catch (IOException e) {
                throw wrong(found.origin, "names the file " + file + ", which cannot be read: " + InputFile.reason(e));
            }
        }
        return found;
    }

    /** What makes sure that nobody but the configured server answers and is shown who we are. */
    Protection protection() {
        if (config.getHttpProxy() != null || config.getHttpsProxy() != null) {
            return Protection.ADDRESS;
        }
        if (server.startsWith("https:") && !config.isTrustCerts()) {
            return Protection.CERTIFICATE;
        }
        boolean secret = Stream.of(config.getOauthToken(), config.getAutoOAuthToken(), config.getPassword(),
                config.getOauthTokenProvider(), config.getAuthProvider(), config.getCustomHeaders())
                .anyMatch(Objects::nonNull);
        return secret ? Protection.ADDRESS : Protection.NOTHING_TO_STEAL;
    }

    private static List<Path> files(KubernetesOptions options) throws SourceException {
        if (options.kubeconfig().isPresent()) {
            Path file = options.kubeconfig().get();
            if (!Files.isRegularFile(file)) {
                throw wrong("--kubeconfig " + file, "there is no such file");
            }
            return List.of(file);
        }
        String variable = options.environment().getOrDefault("KUBECONFIG", "");
        if (!variable.isBlank()) {
            List<Path> files = Stream.of(variable.split(File.pathSeparator, -1)).filter(name -> !name.isBlank())
                    .map(Path::of).filter(Files::isRegularFile).toList();
            if (files.isEmpty()) {
                throw wrong("KUBECONFIG=" + variable, "there is no such file");
            }
            return files;
        }
        String home = options.environment().getOrDefault("HOME", "");
        Path file = Path.of(home, ".kube", "config");
        return !home.isEmpty() && Files.isRegularFile(file) ? List.of(file) : List.of();
    }

    private static Credentials fromKubeconfig(KubernetesOptions options, List<Path> files) throws SourceException {
        String origin = "kubeconfig " + String.join(", ", files.stream().map(Path::toString).toList());
        List<io.fabric8.kubernetes.api.model.Config> read = new ArrayList<>();
        for (Path file : files) {
            read.add(parse(file));
        }
        Map<String, NamedContext> contexts = new TreeMap<>();
        read.forEach(f -> f.getContexts().forEach(c -> contexts.putIfAbsent(c.getName(), c)));
        String wanted = options.context()
                .or(() -> read.stream().map(io.fabric8.kubernetes.api.model.Config::getCurrentContext)
                        .filter(name -> name != null && !name.isEmpty()).findFirst())
                .orElse("");
        if (wanted.isEmpty()) {
            throw wrong(origin, "has no current-context: say --context NAME" + among(contexts));
        }
        NamedContext context = contexts.get(wanted);
        if (context == null || context.getContext() == null) {
            throw wrong(origin, "has no context '" + wanted + "'" + among(contexts));
        }
        String clusterName = String.valueOf(context.getContext().getCluster());
        NamedCluster cluster = read.stream().flatMap(f -> f.getClusters().stream())
                .filter(c -> clusterName.equals(c.getName())).findFirst().orElse(null);
        if (cluster == null || cluster.getCluster() == null) {
            throw wrong(origin, "has no cluster '" + clusterName + "', which context '" + wanted + "' names");
        }
        String userName = context.getContext().getUser();
        NamedAuthInfo user = read.stream().flatMap(f -> f.getUsers().stream())
                .filter(u -> u.getName() != null && u.getName().equals(userName)).findFirst().orElse(null);
        if (userName != null && !userName.isEmpty() && user == null) {
            throw wrong(origin, "has no user '" + userName + "', which context '" + wanted + "' names");
        }
        Config config = Config.empty();
        try {
            KubeConfigUtils.merge(config, wanted, read.toArray(io.fabric8.kubernetes.api.model.Config[]::new));
        } catch (KubernetesClientException e) {
            throw wrong(origin, "the credentials of user '" + userName + "' cannot be had: " + ApiClient.reason(e));
        }
        takeTokenFile(config, user, origin);
        String server = options.server().orElse(String.valueOf(cluster.getCluster().getServer()));
        config.setMasterUrl(server);
        String name = config.getTlsServerName() == null ? "" : config.getTlsServerName();
        config.setTlsServerName("");
        Credentials found = new Credentials(config, url(server, origin), origin + ", context " + wanted, name);
        checkName(found, origin);
        takeProxy(found, cluster.getCluster().getProxyUrl(), options.environment());
        return found;
    }

    private static io.fabric8.kubernetes.api.model.Config parse(Path file) throws SourceException {
        try {
            // The client's own parser has no limits.
            new YamlReader(InputFile.read(file, InputFile.SMALL), ReadingBudget.start()).single();
            io.fabric8.kubernetes.api.model.Config read = KubeConfigUtils.parseConfig(file.toFile());
            if (read.getClusters() == null || read.getContexts() == null || read.getUsers() == null) {
                throw wrong(file.toString(), "is not a kubeconfig: clusters, contexts or users is null");
            }
            return read;
        } catch (IOException e) {
            throw wrong(file.toString(), "cannot be read: " + InputFile.reason(e));
        } catch (YamlException e) {
            throw wrong(file + ":" + e.line(), NO_KUBECONFIG);
        } catch (KubernetesClientException | YamlEngineException | IllegalArgumentException | ClassCastException e) {
            // The parser's own message may show what is in the file, which may be a secret.
            int line = e instanceof MarkedYamlEngineException marked
                    ? marked.getProblemMark().map(mark -> mark.getLine() + 1).orElse(0)
                    : 0;
            throw wrong(file + (line > 0 ? ":" + line : ""),
                    NO_KUBECONFIG);
        }
    }

    /** The client knows no {@code tokenFile}; it is read before each request, so that a rotated token is used. */
    private static void takeTokenFile(Config config, @Nullable NamedAuthInfo user, String origin)
            throws SourceException {
        AuthInfo info = user == null ? null : user.getUser();
        if (user == null || info == null || info.getTokenFile() == null || info.getTokenFile().isEmpty()) {
            return;
        }
        File kubeconfig = (File) user.getAdditionalProperties().get("KUBERNETES_CONFIG_AUTH_INFO_FILE_KEY");
        Path file = kubeconfig == null
                ? Path.of(info.getTokenFile())
                : kubeconfig.toPath().toAbsolutePath().resolveSibling(info.getTokenFile());
        readTokensFrom(file, config, origin);
    }

    private static void readTokensFrom(Path file, Config config, String origin) throws SourceException {
        try {
            InputFile.read(file, InputFile.SMALL);
        } catch (IOException e) {
            throw wrong(origin, "names the token file " + file + ", which cannot be read: " + InputFile.reason(e));
        }
        config.setOauthTokenProvider(() -> token(file).orElse(""));
    }

    private static Optional<String> token(Path file) {
        try {
            return Optional.of(new String(InputFile.read(file, InputFile.SMALL), StandardCharsets.UTF_8).strip());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Credentials withoutKubeconfig(KubernetesOptions options, Path serviceAccount)
            throws SourceException {
        Path token = serviceAccount.resolve("token");
        String host = options.environment().getOrDefault("KUBERNETES_SERVICE_HOST", "");
        String port = options.environment().getOrDefault("KUBERNETES_SERVICE_PORT", "443");
        boolean pod = Files.isReadable(token);
        Config config = Config.empty();
        if (pod) {
            readTokensFrom(token, config, "the pod's service account");
            if (Files.isReadable(serviceAccount.resolve("ca.crt"))) {
                config.setCaCertFile(serviceAccount.resolve("ca.crt").toString());
            }
        }
        String server = options.server().orElse(!pod || host.isEmpty()
                ? ""
                : "https://" + (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port);
        if (server.isEmpty()) {
            throw new SourceException(List.of(new Problem(Severity.ERROR, "no API server is known", "",
                    "say --kubeconfig FILE, or set KUBECONFIG; ~/.kube/config is not there, and this is not a pod with a"
                            + " service account. For Services from manifests say -f PATH")));
        }
        config.setMasterUrl(server);
        String origin = pod ? "the pod's service account" : "--server";
        Credentials found = new Credentials(config, url(server, origin), origin, "");
        takeProxy(found, null, options.environment());
        return found;
    }

    private static void checkName(Credentials found, String origin) throws SourceException {
        String name = found.tlsServerName;
        if (name.isEmpty()) {
            return;
        }
        String host = URI.create(found.server).getHost();
        try {
            IpAddresses.parse(host.startsWith("[") ? host.substring(1, host.length() - 1) : host);
            new SNIHostName(name);
        } catch (IllegalArgumentException e) {
            throw wrong(origin, "tls-server-name '" + name + "' has to be a host name, and the server " + found.server
                    + " to be given by its address: then it has an effect here");
        }
    }

    /**
     * The kubeconfig's {@code proxy-url} wins over the environment, and no exception counts for it (client-go). The client
     * itself would heed it for servers without TLS only.
     */
    private static void takeProxy(Credentials found, @Nullable String proxyUrl, Map<String, String> environment)
            throws SourceException {
        try {
            Optional<URI> proxy = proxyUrl != null && !proxyUrl.isEmpty()
                    ? Optional.of(ProxyVariables.proxy("its proxy-url", proxyUrl))
                    : ProxyVariables.proxyFor(URI.create(found.server), environment);
            found.config.setHttpProxy(proxy.map(URI::toString).orElse(null));
            found.config.setHttpsProxy(proxy.map(URI::toString).orElse(null));
        } catch (IllegalArgumentException e) {
            throw wrong(found.origin, String.valueOf(e.getMessage()));
        }
    }

    private static String url(String server, String origin) throws SourceException {
        try {
            URI uri = new URI(server);
            if (uri.getHost() != null && ("https".equals(uri.getScheme()) || "http".equals(uri.getScheme()))) {
                return server.endsWith("/") ? server.substring(0, server.length() - 1) : server;
            }
        } catch (URISyntaxException e) {
            throw wrong(origin, "the server '" + server + "' is not a URL like https://10.0.0.1:6443");
        }
        throw wrong(origin, "the server '" + server + "' is not a URL like https://10.0.0.1:6443");
    }

    private static String among(Map<String, NamedContext> contexts) {
        return contexts.isEmpty() ? "; there is none" : "; there are " + String.join(", ", contexts.keySet());
    }

    private static SourceException wrong(String where, String what) {
        return new SourceException(List.of(new Problem(Severity.ERROR, where, "", what)));
    }
}
