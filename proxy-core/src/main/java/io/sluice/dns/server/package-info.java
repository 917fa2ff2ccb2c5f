/**
 * Cluster DNS: names of Services as Kubernetes' DNS-based service discovery (schema 1.1.0) defines them, over UDP and TCP,
 * and everything else through upstream servers.
 *
 * <p>{@link io.sluice.dns.server.DnsServer} is the entrance, {@link io.sluice.dns.server.DnsSettings} its settings. It is
 * made of pure parts, a {@code Zone} (immutable, made from a snapshot) and a {@code Responder} (query in, reply out), and
 * of sockets on event loops of the caller. Nothing here blocks.
 *
 * <p>May import {@code dns.zone}, {@code dns.wire}, {@code dns.forward}, {@code linux}, {@code liveness}, {@code metrics}
 * and {@code service}.
 */
@NullMarked
package io.sluice.dns.server;

import org.jspecify.annotations.NullMarked;
