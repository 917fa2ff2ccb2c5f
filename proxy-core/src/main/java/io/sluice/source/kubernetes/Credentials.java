package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.api.model.AuthInfo;
import io.fabric8.kubernetes.api.model.Cluster;
import io.fabric8.kubernetes.api.model.NamedAuthInfo;
import io.fabric8.kubernetes.api.model.NamedCluster;
import io.fabric8.kubernetes.api.model.NamedContext;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.internal.KubeConfigUtils;
import io.sluice.service.IpAddresses;
import io.sluice.source.InputFile;
import io.sluice.source.Problem.Severity;
import io.sluice.source.Problem;
import io.sluice.source.SourceException;
import io.sluice.source.kubernetes.ApiServerLocator.Protection;
import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.net.ssl.SNIHostName;
import org.jspecify.annotations.Nullable;

/**
 * URL and credentials for the API server, found as kubectl finds them: the given file, else every file that
 * {@code KUBECONFIG} names, merged, else {@code ~/.kube/config}, else the service account of the pod. In a merge the first
 * file that sets a field wins (k8s.io/client-go tools/clientcmd).
 *
 * <p>Unlike kubectl it never guesses {@code localhost:8080}. Whatever cannot work is reported before the first request, in one
 * line; later {@link #resolve} reads the files again when the server does not accept the credentials any more, so that
 * rotated certificates and tokens are found.
 *
 * @param config    for the Kubernetes client
 * @param server    URL of the API server, without a slash at the end
 * @param origin    where it was read from, for messages
 * @param tlsServerName the name that the server's certificate must have; empty for the host of the URL
 * @param certificate of the client
 * @param impersonation as whom the requests are made
 * @param plugin    issues a token or a certificate; what is known without it is not enough
 */
record Credentials(Config config, String server, String origin, String tlsServerName,
        Optional<ClientCertificate> certificate, Impersonation impersonation, Optional<CredentialPlugin> plugin) {

    /** Where the kubelet puts a pod's service account. */
    static final Path SERVICE_ACCOUNT = Path.of("/var/run/secrets/kubernetes.io/serviceaccount");

    private static final int CONNECT_TIMEOUT_MILLIS = 10_000;
    private static final Pattern HOST_AND_PORT =
            Pattern.compile("([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+])(:[0-9]{1,5})?/?");

    /**
     * Reads the files. A credential plugin, if one is named, has to be asked yet.
     *
     * @throws SourceException if there is no server, or no usable credentials
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
        if (config.getCaCertFile() != null) {
            pem(config.getCaCertFile(), found.origin);
        }
        return found;
    }

    private static String pem(String file, String origin) throws SourceException {
        try {
            return new String(InputFile.read(Path.of(file), InputFile.SMALL), StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            throw Kubeconfig.wrong(origin, "names the file " + file + ", which cannot be read: " + InputFile.reason(e));
        }
    }

    /** With what the plugin has issued. */
    Credentials with(CredentialPlugin.Issued issued) {
        if (!issued.token().isEmpty()) {
            config.setAutoOAuthToken(issued.token());
            // Else the client would repeat a request that the server refuses.
            config.setOauthToken(issued.token());
        }
        return new Credentials(config, server, origin, tlsServerName,
                issued.certificate() == null ? certificate : Optional.of(issued.certificate()), impersonation, plugin);
    }

    /** What ensures that only the configured server responds and receives the credentials. */
    Protection protection() {
        if (config.getHttpProxy() != null || config.getHttpsProxy() != null) {
            return Protection.ADDRESS;
        }
        if (server.startsWith("https:") && !config.isTrustCerts()) {
            return Protection.CERTIFICATE;
        }
        boolean secret = Stream.of(config.getOauthToken(), config.getAutoOAuthToken(), config.getPassword(),
                config.getOauthTokenProvider(), config.getAuthProvider(), config.getCustomHeaders())
                .anyMatch(Objects::nonNull) || plugin.isPresent();
        return secret ? Protection.ADDRESS : Protection.NOTHING_TO_STEAL;
    }

    private static List<Path> files(KubernetesOptions options) throws SourceException {
        if (options.kubeconfig().isPresent()) {
            Path file = options.kubeconfig().get();
            if (!Files.isRegularFile(file)) {
                throw Kubeconfig.wrong("--kubeconfig " + file, "there is no such file");
            }
            return List.of(file);
        }
        String variable = options.environment().getOrDefault("KUBECONFIG", "");
        if (!variable.isBlank()) {
            List<Path> files = Stream.of(variable.split(File.pathSeparator, -1)).filter(name -> !name.isBlank())
                    .map(Path::of).filter(Files::isRegularFile).toList();
            if (files.isEmpty()) {
                throw Kubeconfig.wrong("KUBECONFIG=" + variable, "there is no such file");
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
            read.add(Kubeconfig.read(file));
        }
        Map<String, NamedContext> contexts = new TreeMap<>();
        read.forEach(f -> f.getContexts().forEach(c -> contexts.putIfAbsent(c.getName(), c)));
        String wanted = options.context()
                .or(() -> read.stream().map(io.fabric8.kubernetes.api.model.Config::getCurrentContext)
                        .filter(name -> name != null && !name.isEmpty()).findFirst())
                .orElse("");
        if (wanted.isEmpty()) {
            throw Kubeconfig.wrong(origin, "has no current-context: set --context NAME" + among(contexts));
        }
        NamedContext context = contexts.get(wanted);
        if (context == null || context.getContext() == null) {
            throw Kubeconfig.wrong(origin, "has no context '" + wanted + "'" + among(contexts));
        }
        String clusterName = String.valueOf(context.getContext().getCluster());
        NamedCluster cluster = read.stream().flatMap(f -> f.getClusters().stream())
                .filter(c -> clusterName.equals(c.getName())).findFirst().orElse(null);
        if (cluster == null || cluster.getCluster() == null) {
            throw Kubeconfig.wrong(origin,
                    "has no cluster '" + clusterName + "', which context '" + wanted + "' names");
        }
        String userName = context.getContext().getUser();
        NamedAuthInfo user = read.stream().flatMap(f -> f.getUsers().stream())
                .filter(u -> u.getName() != null && u.getName().equals(userName)).findFirst().orElse(null);
        if (userName != null && !userName.isEmpty() && user == null) {
            throw Kubeconfig.wrong(origin, "has no user '" + userName + "', which context '" + wanted + "' names");
        }
        Cluster target = cluster.getCluster();
        AuthInfo info = Kubeconfig.info(user);
        target.setCertificateAuthorityData(Kubeconfig.data(target.getCertificateAuthorityData(),
                "certificate-authority-data", "BEGIN CERTIFICATE", origin));
        Optional<ClientCertificate> certificate = certificate(info, user, origin);
        Optional<CredentialPlugin> plugin = plugin(info, cluster, options, origin);
        info.setExec(null);
        // The client would connect to a server without a scheme to find out whether it has TLS.
        target.setServer(url(options.server().orElse(withScheme(target, certificate.isPresent())), origin));
        Config config = merged(read, wanted, info, origin);
        takeTokenFile(config, user, origin);
        String name = config.getTlsServerName() == null ? "" : config.getTlsServerName();
        config.setTlsServerName("");
        Credentials found = new Credentials(config, target.getServer(), origin + ", context " + wanted, name,
                certificate, Impersonation.of(info, origin), plugin);
        checkName(found, origin);
        takeProxy(found, target.getProxyUrl(), options.environment());
        return found;
    }

    /** What the client makes of it, without what it would read wrongly. */
    private static Config merged(List<io.fabric8.kubernetes.api.model.Config> read, String context, AuthInfo info,
            String origin) throws SourceException {
        Config config = Config.empty();
        try {
            KubeConfigUtils.merge(config, context, read.toArray(io.fabric8.kubernetes.api.model.Config[]::new));
        } catch (KubernetesClientException e) {
            throw Kubeconfig.wrong(origin, "the credentials of its user cannot be read: " + ApiClient.reason(e));
        }
        if (info.getAuthProvider() == null) {
            // Else the client would read the files again itself when the server refuses the token.
            config.setContexts(List.of());
            config.setCurrentContext(null);
        }
        return config;
    }

    /** The user's certificate and key; the client gets none of it. */
    private static Optional<ClientCertificate> certificate(AuthInfo info, @Nullable NamedAuthInfo user, String origin)
            throws SourceException {
        Optional<String> chain = pem(info.getClientCertificateData(), "client-certificate-data", "BEGIN CERTIFICATE",
                info.getClientCertificate(), user, origin);
        Optional<String> key = pem(info.getClientKeyData(), "client-key-data", "PRIVATE KEY", info.getClientKey(), user,
                origin);
        info.setClientCertificate(null);
        info.setClientCertificateData(null);
        info.setClientKey(null);
        info.setClientKeyData(null);
        if (chain.isPresent() != key.isPresent()) {
            throw Kubeconfig.wrong(origin, chain.isPresent()
                    ? "has a client certificate without client-key or client-key-data"
                    : "has a client key without client-certificate or client-certificate-data");
        }
        return chain.map(text -> new ClientCertificate(text, key.orElseThrow()));
    }

    /** What stands in the kubeconfig itself counts more than a file (client-go). */
    private static Optional<String> pem(@Nullable String data, String field, String begin, @Nullable String file,
            @Nullable NamedAuthInfo user, String origin) throws SourceException {
        String clean = Kubeconfig.data(data, field, begin, origin);
        if (clean != null) {
            return Optional.of(new String(Base64.getDecoder().decode(clean), StandardCharsets.ISO_8859_1));
        }
        return file == null || file.isEmpty()
                ? Optional.empty()
                : Optional.of(pem(Kubeconfig.resolve(user, file).toString(), origin));
    }

    /** A token that is written down counts more than a plugin (client-go). */
    private static Optional<CredentialPlugin> plugin(AuthInfo info, NamedCluster cluster, KubernetesOptions options,
            String origin) throws SourceException {
        boolean token = Stream.of(info.getToken(), info.getTokenFile()).anyMatch(t -> t != null && !t.isEmpty());
        return info.getExec() == null || token
                ? Optional.empty()
                : Optional.of(CredentialPlugin.of(info.getExec(), cluster.getCluster(), Kubeconfig.directory(cluster),
                        options.environment(), origin));
    }

    /** A host and port without a scheme: HTTPS if there are settings of TLS (client-go, DefaultServerURL). */
    private static String withScheme(Cluster cluster, boolean certificate) {
        String server = Objects.requireNonNullElse(cluster.getServer(), "");
        String authority = cluster.getCertificateAuthority();
        boolean tls = certificate || Boolean.TRUE.equals(cluster.getInsecureSkipTlsVerify())
                || cluster.getCertificateAuthorityData() != null || authority != null && !authority.isEmpty();
        return HOST_AND_PORT.matcher(server).matches() ? (tls ? "https://" : "http://") + server : server;
    }

    private static void takeTokenFile(Config config, @Nullable NamedAuthInfo user, String origin)
            throws SourceException {
        String file = Kubeconfig.info(user).getTokenFile();
        if (file != null && !file.isEmpty()) {
            readTokensFrom(Kubeconfig.resolve(user, file), config, origin);
        }
    }

    private static void readTokensFrom(Path file, Config config, String origin) throws SourceException {
        try {
            InputFile.read(file, InputFile.SMALL);
        } catch (IOException e) {
            throw Kubeconfig.wrong(origin,
                    "names the token file " + file + ", which cannot be read: " + InputFile.reason(e));
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
                    "set --kubeconfig FILE or KUBECONFIG; ~/.kube/config does not exist, and this is not a pod with a"
                            + " service account. For Services from manifests use -f PATH")));
        }
        String origin = pod ? "the pod's service account" : "--server";
        String url = url(server, origin);
        config.setMasterUrl(url);
        Credentials found = new Credentials(config, url, origin, "", Optional.empty(), Impersonation.NONE,
                Optional.empty());
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
            throw Kubeconfig.wrong(origin,
                    "tls-server-name '" + name + "' has to be a host name, and the server " + found.server
                            + " to be given by its address: then it has an effect here");
        }
    }

    /**
     * The kubeconfig's {@code proxy-url} wins over the environment, and {@code NO_PROXY} does not apply to it (client-go). The
     * client itself would use it for servers without TLS only.
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
            throw Kubeconfig.wrong(found.origin, String.valueOf(e.getMessage()));
        }
    }

    private static String url(String server, String origin) throws SourceException {
        try {
            URI uri = new URI(server);
            if (uri.getHost() != null && ("https".equals(uri.getScheme()) || "http".equals(uri.getScheme()))) {
                return server.endsWith("/") ? server.substring(0, server.length() - 1) : server;
            }
        } catch (URISyntaxException e) {
            throw Kubeconfig.wrong(origin, "the server '" + server + "' is not a URL like https://10.0.0.1:6443");
        }
        throw Kubeconfig.wrong(origin, "the server '" + server + "' is not a URL like https://10.0.0.1:6443");
    }

    private static String among(Map<String, NamedContext> contexts) {
        return contexts.isEmpty() ? "; there is none" : "; there are " + String.join(", ", contexts.keySet());
    }
}
