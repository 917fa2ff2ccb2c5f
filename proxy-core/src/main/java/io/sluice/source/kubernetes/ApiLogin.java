package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.sluice.source.Problem;
import io.sluice.source.Problem.Severity;
import io.sluice.source.SourceException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The credentials in use, and the HTTP client that is made of them. A credential plugin is asked when a request needs it, so
 * that one that hangs or fails holds up requests and nothing else. Any thread.
 */
final class ApiLogin implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(ApiLogin.class);
    /** The shortest time between two reads of the credentials, and between two runs of a plugin. */
    private static final Duration INTERVAL = Duration.ofSeconds(10);

    private final KubernetesOptions options;
    private final Path serviceAccount;
    private final Duration longestPlugin;
    /** Held while files are read or a plugin runs; taken before the monitor. */
    private final ReentrantLock renewing = new ReentrantLock();
    private volatile boolean closed;

    private Credentials credentials;
    /** Null until the plugin has issued what is missing. */
    private @Nullable HttpClient http;
    private CredentialPlugin.@Nullable Issued issued;
    private long readNanos = System.nanoTime();
    /** Why the plugin issued nothing; only with {@link #renewing}. */
    private @Nullable String refusal;
    private long refusedNanos;

    /**
     * Reads the files; runs no plugin.
     *
     * @param longestPlugin how long a plugin may take
     * @throws SourceException if they cannot work
     */
    ApiLogin(KubernetesOptions options, Path serviceAccount, Duration longestPlugin) throws SourceException {
        this.options = options;
        this.serviceAccount = serviceAccount;
        this.longestPlugin = longestPlugin;
        this.credentials = Credentials.resolve(options, serviceAccount);
        this.http = credentials.plugin().isEmpty() ? open(credentials) : null;
    }

    private static HttpClient open(Credentials whole) throws SourceException {
        try {
            return NamedServer.open(whole);
        } catch (KubernetesClientException | IllegalArgumentException | IOException | GeneralSecurityException e) {
            throw new SourceException(List.of(new Problem(Severity.ERROR, whole.origin(), "",
                    "the credentials cannot be used: " + ApiClient.reason(e))));
        }
    }

    synchronized Credentials credentials() {
        return credentials;
    }

    /**
     * For a request; waits for the plugin, if there is one that has to be asked.
     *
     * @throws IOException if it issues nothing
     */
    HttpClient client() throws IOException {
        HttpClient ready = ready();
        if (ready != null) {
            return ready;
        }
        try {
            renewing.lockInterruptibly();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw (IOException) new InterruptedIOException("interrupted").initCause(e);
        }
        try {
            ready = ready();
            return ready == null ? ask() : ready;
        } finally {
            renewing.unlock();
        }
    }

    private synchronized @Nullable HttpClient ready() throws IOException {
        if (closed) {
            throw new IOException("the client is closed");
        }
        return issued != null && issued.expired(Instant.now()) ? null : http;
    }

    private HttpClient ask() throws IOException {
        Credentials known = credentials();
        if (refusal != null && System.nanoTime() - refusedNanos < INTERVAL.toNanos()) {
            throw new IOException(refusal);
        }
        try {
            CredentialPlugin.Issued now = known.plugin().orElseThrow().ask(longestPlugin, () -> closed);
            HttpClient opened = open(known.with(now));
            refusal = null;
            synchronized (this) {
                issued = now;
                http = opened;
            }
            return opened;
        } catch (InterruptedIOException e) {
            throw e;
        } catch (IOException | SourceException e) {
            refusal = String.valueOf(e.getMessage());
            refusedNanos = System.nanoTime();
            throw new IOException(refusal);
        }
    }

    /**
     * Reads the files again, at a bounded rate. Requests that are under way keep the old credentials, whose client is
     * collected when the last of them has ended. What a plugin has issued stays in use unless the server refuses it.
     *
     * @param refused whether the server does not accept the credentials
     * @return whether the files were read, and can be used
     */
    boolean renew(boolean refused) {
        if (!renewing.tryLock()) {
            return false;
        }
        try {
            CredentialPlugin.Issued before;
            synchronized (this) {
                if (closed || System.nanoTime() - readNanos < INTERVAL.toNanos()) {
                    return false;
                }
                readNanos = System.nanoTime();
                before = issued;
            }
            Credentials now = Credentials.resolve(options, serviceAccount);
            boolean same = now.plugin().equals(credentials().plugin());
            CredentialPlugin.Issued kept = same && !refused ? before : null;
            HttpClient opened =
                    now.plugin().isEmpty() ? open(now) : kept == null ? null : open(now.with(kept));
            refusal = same ? refusal : null;
            synchronized (this) {
                credentials = now;
                issued = kept;
                http = opened;
            }
            return true;
        } catch (SourceException e) {
            LOG.warn("{}; the previous credentials stay in use", e.getMessage());
            return false;
        } finally {
            renewing.unlock();
        }
    }

    /** Requests that are under way, and later ones, fail; a plugin that runs is ended. */
    @Override
    public synchronized void close() {
        closed = true;
        if (http != null) {
            http.close();
        }
    }
}
