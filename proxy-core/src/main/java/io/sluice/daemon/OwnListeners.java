package io.sluice.daemon;

import io.sluice.admin.Admin;
import io.sluice.dns.server.DnsListener;
import io.sluice.dns.server.DnsServer;
import io.sluice.handover.Handover;
import io.sluice.healthcheck.HealthCheckPorts;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The addresses on which this daemon itself listens and which two processes cannot share: metrics, API, health checks and
 * DNS. Any thread but an event loop.
 */
final class OwnListeners implements Handover.Addresses {

    private static final Logger LOG = LoggerFactory.getLogger(OwnListeners.class);
    private static final int DNS_RETRY_SECONDS = 2;

    private final Admin admin;
    private final HealthCheckPorts healthChecks;
    private final @Nullable DnsServer dns;
    private final boolean hardFail;
    private final ScheduledExecutorService control;
    private volatile boolean entered;
    private volatile List<DnsListener> dnsListeners = List.of();

    /**
     * Listens on no address yet.
     *
     * @param hardFail whether an admin address that is in use is an error at the start
     */
    OwnListeners(Admin admin, HealthCheckPorts healthChecks, @Nullable DnsServer dns, boolean hardFail,
            ScheduledExecutorService control) {
        this.admin = admin;
        this.healthChecks = healthChecks;
        this.dns = dns;
        this.hardFail = hardFail;
        this.control = control;
    }

    @Override
    public synchronized void enter() throws IOException {
        entered = true;
        try {
            admin.start(hardFail);
            healthChecks.start();
            answerDns();
        } catch (IOException e) {
            leave();
            throw e;
        }
    }

    @Override
    public synchronized void enterAgain() {
        entered = true;
        healthChecks.start();
        try {
            admin.start(false);
        } catch (IOException e) {
            throw new IllegalStateException("only a hard failure is reported", e);
        }
        answerDnsAgain();
    }

    /** Listens for DNS again; the other process may not have closed the addresses yet. */
    private synchronized void answerDnsAgain() {
        try {
            if (entered) {
                answerDns();
            }
        } catch (IOException e) {
            LOG.warn("{}; trying again", e.getMessage());
            control.schedule(this::answerDnsAgain, DNS_RETRY_SECONDS, TimeUnit.SECONDS);
        }
    }

    private void answerDns() throws IOException {
        if (dns != null) {
            try {
                dnsListeners = dns.start().toCompletableFuture().join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof IOException failure) {
                    throw failure;
                }
                throw e;
            }
        }
    }

    @Override
    public synchronized void leave() {
        entered = false;
        healthChecks.stop();
        admin.stop();
        dnsListeners.stream().map(listener -> listener.close().toCompletableFuture()).toList()
                .forEach(CompletableFuture::join);
        dnsListeners = List.of();
    }

    /** The addresses on which DNS listens, besides the DNS Service's own; empty without DNS. */
    List<InetSocketAddress> dnsAddresses() {
        return dnsListeners.stream().map(DnsListener::address).toList();
    }

    /** Ends health checks and the admin addresses for good; sockets of DNS end with their event loops. */
    void close() {
        entered = false;
        healthChecks.close();
        admin.close();
    }
}
