package io.sluice.source.kubernetes;

import java.io.IOException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks periodically for facts that no watch reports: the version of the API server, and the addresses of its name. Each
 * question has a virtual thread of its own. One thread calls the methods.
 */
final class ServerPoll {

    /** Servers are upgraded while we watch them. */
    private static final Duration INTERVAL = Duration.ofMinutes(10);
    private static final Duration RETRY = Duration.ofSeconds(30);
    private static final int MOST_VERSION_FIELDS = 20;

    private static final Logger LOG = LoggerFactory.getLogger(ServerPoll.class);

    private final ApiClient client;
    private final ClusterView view;
    private final Runnable changed;
    private final ApiObserver observer;
    private volatile long nextNanos = System.nanoTime();
    private volatile boolean lookingUp;

    /** @param changed called when the view may have changed */
    ServerPoll(ApiClient client, ClusterView view, Runnable changed, ApiObserver observer) {
        this.client = client;
        this.view = view;
        this.changed = changed;
        this.observer = observer;
    }

    /** Looks up the server's addresses. */
    void lookUp() {
        Thread.ofVirtual().name("sluice-server-address").start(this::lookUpServer);
    }

    /** Whether the addresses of the server's name are being asked for. Any thread. */
    boolean lookingUp() {
        return lookingUp;
    }

    /** Asks for the version and looks up the addresses, if that was long ago. */
    void pollIfDue(long now) {
        if (now - nextNanos >= 0) {
            nextNanos = now + INTERVAL.toNanos();
            Thread.ofVirtual().name("sluice-version").start(() -> {
                askVersion();
                lookUpServer();
            });
        }
    }

    /** No Service may have the server's address as an external one; the addresses of a name may change. */
    private void lookUpServer() {
        lookingUp = true;
        try {
            view.configuredServers(ServerAddresses.lookUp(client.server()));
            changed.run();
        } catch (UnknownHostException e) {
            LOG.debug("the API server's name is not known at the moment: {}", e.getMessage());
        } finally {
            lookingUp = false;
        }
    }

    /** Asks for the version, which is only shown. */
    private void askVersion() {
        try {
            Map<String, String> build = new HashMap<>();
            client.object(client.nextServer(), "/version").properties().stream().limit(MOST_VERSION_FIELDS)
                    .forEach(field -> build.put(ApiException.line(field.getKey()),
                            ApiException.line(field.getValue().asString(""))));
            observer.serverBuild(build);
        } catch (IOException e) {
            LOG.debug("the API server does not answer /version: {}", e.getMessage());
            nextNanos = System.nanoTime() + RETRY.toNanos();
        }
    }
}
