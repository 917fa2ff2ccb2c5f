package io.sluice.source.probe;

import io.sluice.linux.SocketFailures;
import io.sluice.service.EndpointAddress;
import io.sluice.source.probe.ReadinessProbe.Action;
import io.sluice.source.probe.ReadinessProbe.Action.Exec;
import io.sluice.source.probe.ReadinessProbe.Action.HttpGet;
import io.sluice.source.probe.ReadinessProbe.Action.TcpSocket;
import io.sluice.text.Printable;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** Makes one probe, on the thread that calls; takes no longer than its timeout. */
final class Probing {

    /** Enough to recognize a request or a command. */
    private static final int SHOWN = 200;

    static {
        // Kubelet lets manifests set Host; the JDK reads this when its HTTP client is used for the first time.
        System.setProperty("jdk.httpclient.allowRestrictedHeaders", "host");
    }

    private final HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER).proxy(HttpClient.Builder.NO_PROXY).sslContext(anyCertificate())
            .build();

    /** Why the process at {@code target} is not ready; empty if it is. */
    String problem(ReadinessProbe probe, EndpointAddress target) throws InterruptedException {
        Action action = probe.action();
        return switch (action) {
            case HttpGet get -> get(get, target, probe.timeout());
            case TcpSocket _ -> connect(target, probe.timeout());
            case Exec exec -> run(exec, target, probe.timeout());
        };
    }

    private String get(HttpGet get, EndpointAddress target, Duration timeout) throws InterruptedException {
        String url = get.scheme() + "://" + target + get.path();
        String shown = "GET " + Printable.of(url, SHOWN);
        CompletableFuture<HttpResponse<InputStream>> answer;
        try {
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url)).GET().timeout(timeout)
                    .header("User-Agent", "kube-probe/1.34").header("Accept", "*/*");
            get.headers().forEach(request::setHeader);
            answer = http.sendAsync(request.build(), BodyHandlers.ofInputStream());
        } catch (IllegalArgumentException e) {
            return shown + " cannot be sent: " + Printable.of(String.valueOf(e.getMessage()), SHOWN);
        }
        try {
            HttpResponse<InputStream> response = answer.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
            response.body().close();
            int status = response.statusCode();
            return status >= 200 && status < 400 ? "" : shown + " is answered by status " + status;
        } catch (TimeoutException e) {
            answer.cancel(true);
            return shown + " is not answered within " + timeout.toSeconds() + " s";
        } catch (ExecutionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            return cause instanceof java.net.http.HttpTimeoutException
                    ? shown + " is not answered within " + timeout.toSeconds() + " s"
                    : shown + " fails: " + reason(cause);
        } catch (IOException e) {
            return ""; // the answer was there, only closing it failed
        }
    }

    private static String connect(EndpointAddress target, Duration timeout) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(target.ip(), target.port()), (int) timeout.toMillis());
            return "";
        } catch (IOException e) {
            return target + " does not accept connections: " + reason(e);
        }
    }

    /** The command finds the process by {@code HOST} and {@code PORT}; it is killed when its time is over. */
    private static String run(Exec exec, EndpointAddress target, Duration timeout) throws InterruptedException {
        String shown = "'" + Printable.of(String.join(" ", exec.command()), SHOWN) + "'";
        ProcessBuilder builder = new ProcessBuilder(exec.command()).redirectInput(ProcessBuilder.Redirect.from(
                new java.io.File("/dev/null"))).redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD);
        Map<String, String> environment = builder.environment();
        environment.put("HOST", target.ip().getHostAddress());
        if (target.port() > 0) {
            environment.put("PORT", Integer.toString(target.port()));
        }
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            return shown + " cannot be run: " + Printable.of(String.valueOf(e.getMessage()), SHOWN);
        }
        try {
            if (!process.waitFor(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                return shown + " does not end within " + timeout.toSeconds() + " s";
            }
            return process.exitValue() == 0 ? "" : shown + " ends with code " + process.exitValue();
        } finally {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    private static String reason(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof java.net.ConnectException) {
                return "connection refused";
            }
        }
        return Printable.of(SocketFailures.connectReason(failure), SHOWN);
    }

    /** A probe asks whether a process answers, not who it is: kubelet does not check certificates either. */
    private static SSLContext anyCertificate() {
        try {
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, new TrustManager[] {new AnyCertificate()}, null);
            return context;
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this Java runtime has no TLS", e);
        }
    }

    /** Believes every server. */
    private static final class AnyCertificate extends X509ExtendedTrustManager {

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine) {}

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String authType) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
