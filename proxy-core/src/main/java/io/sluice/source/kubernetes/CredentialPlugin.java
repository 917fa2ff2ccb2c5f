package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.api.model.Cluster;
import io.fabric8.kubernetes.api.model.ExecConfig;
import io.sluice.source.InputFile;
import io.sluice.source.SourceException;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * A program that issues credentials: {@code exec} of a user in a kubeconfig (Kubernetes documentation, "client-go credential
 * plugins"; k8s.io/client-go plugin/pkg/client/auth/exec). It gets its arguments as they stand, without a shell, no standard
 * input, and an ExecCredential in {@code KUBERNETES_EXEC_INFO}; unlike there it has a time limit. Exceptions have no causes:
 * their messages may show what the plugin printed.
 *
 * @param name        as it is configured, for messages
 * @param command     the program and its arguments
 * @param environment all of it
 * @param apiVersion  of the ExecCredential that it has to answer with
 */
record CredentialPlugin(String name, List<String> command, Map<String, String> environment, String apiVersion) {

    private static final Logger LOG = LoggerFactory.getLogger(CredentialPlugin.class);

    /** One that asks for a second factor or a far server takes seconds; nobody is there to answer a question. */
    static final Duration LONGEST = Duration.ofSeconds(60);
    /** After this time the log says what is waited for. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);
    private static final Duration LOOK = Duration.ofMillis(200);
    private static final List<String> API_VERSIONS =
            List.of("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1");
    private static final String EXTENSION = "client.authentication.k8s.io/exec";
    private static final int LONGEST_MESSAGE = 300;

    /**
     * What it has issued.
     *
     * @param token   empty for none
     * @param expires null for never, as far as it says
     */
    record Issued(String token, @Nullable ClientCertificate certificate, @Nullable Instant expires) {

        boolean expired(Instant now) {
            return expires != null && !now.isBefore(expires);
        }

        /** Shows no secret. */
        @Override
        public String toString() {
            return "Issued until " + expires;
        }
    }

    /**
     * Finds the program.
     *
     * @param directory of the kubeconfig: a path that is relative begins there
     * @throws SourceException if it can never work as it is configured
     */
    static CredentialPlugin of(ExecConfig exec, Cluster cluster, Path directory, Map<String, String> environment,
            String origin) throws SourceException {
        String name = Objects.requireNonNullElse(exec.getCommand(), "");
        String apiVersion = Objects.requireNonNullElse(exec.getApiVersion(), "");
        if (name.isEmpty()) {
            throw Kubeconfig.wrong(origin, "its credential plugin (exec) has no command");
        }
        if (!API_VERSIONS.contains(apiVersion)) {
            throw Kubeconfig.wrong(origin, "the apiVersion of its credential plugin '" + name + "' is '" + apiVersion
                    + "'; it has to be " + String.join(" or ", API_VERSIONS));
        }
        if ("Always".equals(exec.getInteractiveMode())) {
            throw Kubeconfig.wrong(origin, "its credential plugin '" + name
                    + "' has interactiveMode Always, and there is nobody to answer it; use a token or a certificate");
        }
        Map<String, String> all = new LinkedHashMap<>(environment);
        if (exec.getEnv() != null) {
            exec.getEnv().stream().filter(Objects::nonNull)
                    .forEach(variable -> all.put(variable.getName(),
                            Objects.requireNonNullElse(variable.getValue(), "")));
        }
        all.put("KUBERNETES_EXEC_INFO", info(apiVersion,
                Boolean.TRUE.equals(exec.getProvideClusterInfo()) ? Optional.of(cluster) : Optional.empty(),
                directory, origin));
        List<String> command = new ArrayList<>();
        command.add(executable(name, directory, environment)
                .orElseThrow(() -> Kubeconfig.wrong(origin, notInstalled(name, exec.getInstallHint()))).toString());
        if (exec.getArgs() != null) {
            command.addAll(exec.getArgs());
        }
        return new CredentialPlugin(name, List.copyOf(command), Map.copyOf(all), apiVersion);
    }

    private static String notInstalled(String name, @Nullable String hint) {
        String line = hint == null
                ? ""
                : String.join(" ", hint.lines().map(String::strip).filter(l -> !l.isEmpty()).toList());
        return "its credential plugin '" + name + "' is not installed: no such program"
                + (name.contains(File.separator) ? "" : " in PATH") + (line.isEmpty() ? "" : "; " + shown(line));
    }

    private static Optional<Path> executable(String name, Path directory, Map<String, String> environment) {
        return name.contains(File.separator)
                ? Optional.of(directory.resolve(name)).filter(Files::isExecutable)
                : Stream.of(environment.getOrDefault("PATH", "/usr/local/bin:/usr/bin:/bin").split(File.pathSeparator))
                        .filter(each -> !each.isEmpty()).map(each -> Path.of(each, name).toAbsolutePath())
                        .filter(path -> Files.isRegularFile(path) && Files.isExecutable(path)).findFirst();
    }

    /** The request, an ExecCredential; with the cluster if the plugin wants it. */
    private static String info(String apiVersion, Optional<Cluster> wanted, Path directory, String origin)
            throws SourceException {
        Map<String, Object> spec = new LinkedHashMap<>();
        if (wanted.isPresent()) {
            Cluster cluster = wanted.get();
            Map<String, Object> members = new LinkedHashMap<>();
            put(members, "server", cluster.getServer());
            put(members, "tls-server-name", cluster.getTlsServerName());
            if (Boolean.TRUE.equals(cluster.getInsecureSkipTlsVerify())) {
                members.put("insecure-skip-tls-verify", true);
            }
            put(members, "certificate-authority-data", authority(cluster, directory, origin));
            put(members, "proxy-url", cluster.getProxyUrl());
            if (cluster.getExtensions() != null) {
                cluster.getExtensions().stream().filter(e -> e != null && EXTENSION.equals(e.getName())).findFirst()
                        .ifPresent(e -> members.put("config", e.getExtension()));
            }
            spec.put("cluster", members);
        }
        spec.put("interactive", false);
        Map<String, Object> request = new LinkedHashMap<>();
        request.put("kind", "ExecCredential");
        request.put("apiVersion", apiVersion);
        request.put("spec", spec);
        return ApiClient.JSON.writeValueAsString(request);
    }

    private static void put(Map<String, Object> members, String name, @Nullable String value) {
        if (value != null && !value.isEmpty()) {
            members.put(name, value);
        }
    }

    private static @Nullable String authority(Cluster cluster, Path directory, String origin) throws SourceException {
        String file = cluster.getCertificateAuthority();
        if (cluster.getCertificateAuthorityData() != null || file == null || file.isEmpty()) {
            return cluster.getCertificateAuthorityData();
        }
        try {
            return Base64.getEncoder()
                    .encodeToString(InputFile.read(directory.resolve(file), InputFile.SMALL));
        } catch (IOException e) {
            throw Kubeconfig.wrong(origin,
                    "names the file " + file + ", which cannot be read: " + InputFile.reason(e));
        }
    }

    /**
     * Runs it.
     *
     * @param abandoned whether nobody waits for it any more
     * @throws IOException if it issues nothing; the message says why, in one line
     */
    Issued ask(Duration longest, BooleanSupplier abandoned) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().clear();
        builder.environment().putAll(environment);
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new IOException(who() + " cannot be started: " + ApiClient.reason(e));
        }
        try {
            process.getOutputStream().close();
            CompletableFuture<byte[]> output = reading(process.getInputStream(), "sluice-plugin-out");
            CompletableFuture<byte[]> errors = reading(process.getErrorStream(), "sluice-plugin-err");
            await(process, longest, abandoned);
            int code = process.exitValue();
            if (code != 0) {
                throw new IOException(who() + " ended with exit code " + code + lastLine(get(errors)));
            }
            return read(get(output));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted").initCause(e);
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private void await(Process process, Duration longest, BooleanSupplier abandoned)
            throws IOException, InterruptedException {
        long begun = System.nanoTime();
        boolean said = false;
        while (!process.waitFor(LOOK.toMillis(), TimeUnit.MILLISECONDS)) {
            long waited = System.nanoTime() - begun;
            if (abandoned.getAsBoolean()) {
                throw new InterruptedIOException("closed");
            }
            if (waited > longest.toNanos()) {
                throw new IOException(who() + " had not ended after " + longest.toSeconds() + " s");
            }
            if (!said && waited > PATIENCE.toNanos()) {
                said = true;
                LOG.info("waiting for {}, {} s at the most; nothing is requested from the API server before", who(),
                        longest.toSeconds());
            }
        }
    }

    private String who() {
        return "the credential plugin '" + shown(name) + "'";
    }

    private static CompletableFuture<byte[]> reading(InputStream from, String thread) {
        CompletableFuture<byte[]> all = new CompletableFuture<>();
        Thread.ofVirtual().name(thread).start(() -> {
            try (from) {
                all.complete(from.readNBytes(InputFile.SMALL));
            } catch (IOException e) {
                all.completeExceptionally(e);
            }
        });
        return all;
    }

    /** A child of the plugin may keep the pipe open. */
    private byte[] get(CompletableFuture<byte[]> all) throws IOException, InterruptedException {
        try {
            return all.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            throw new IOException(who() + " ended, but its output did not");
        }
    }

    private static String lastLine(byte[] errors) {
        return new String(errors, StandardCharsets.UTF_8).lines().map(String::strip).filter(line -> !line.isEmpty())
                .reduce((_, last) -> last).map(line -> ": " + shown(line)).orElse("");
    }

    private static String shown(String text) {
        return (text.length() > LONGEST_MESSAGE ? text.substring(0, LONGEST_MESSAGE) + "…" : text)
                .replaceAll("\\p{Cntrl}", "?");
    }

    private Issued read(byte[] output) throws IOException {
        JsonNode answer;
        try {
            answer = ApiClient.JSON.readTree(output);
        } catch (JacksonException e) {
            throw new IOException(who() + " printed no JSON");
        } finally {
            Arrays.fill(output, (byte) 0);
        }
        String kind = answer.path("kind").asString("");
        String version = answer.path("apiVersion").asString("");
        if (!kind.equals("ExecCredential") || !version.equals(apiVersion)) {
            throw new IOException(who() + " printed '" + shown(kind) + "' of '" + shown(version)
                    + "', which has to be ExecCredential of " + apiVersion);
        }
        JsonNode status = answer.path("status");
        String token = status.path("token").asString("");
        String certificate = status.path("clientCertificateData").asString("");
        String key = status.path("clientKeyData").asString("");
        if (token.isEmpty() && certificate.isEmpty() && key.isEmpty()) {
            throw new IOException(who() + " printed neither a token nor a client certificate");
        }
        if (certificate.isEmpty() != key.isEmpty()) {
            throw new IOException(who() + " printed a client certificate without its key, or a key without it");
        }
        return new Issued(token, certificate.isEmpty() ? null : new ClientCertificate(certificate, key),
                expiry(status.path("expirationTimestamp").asString("")));
    }

    private @Nullable Instant expiry(String written) throws IOException {
        try {
            return written.isEmpty() ? null : Instant.parse(written);
        } catch (DateTimeParseException e) {
            throw new IOException(who() + " printed an expirationTimestamp that is no time: " + shown(written));
        }
    }

    /** Shows no argument and no variable: they may be secret. */
    @Override
    public String toString() {
        return who();
    }
}
