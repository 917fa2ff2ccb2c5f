/**
 * Cluster DNS: names of Services as Kubernetes' DNS-based service discovery (schema 1.1.0) defines them, over UDP and TCP,
 * and everything else through upstream servers.
 *
 * <p>{@link io.sluice.dns.DnsServer} is the door, {@link io.sluice.dns.DnsSettings} what it is told. Behind it stand pure
 * parts, a {@code Zone} (immutable, made from a snapshot) and a {@code Responder} (query in, reply out), and around them
 * sockets on event loops given from outside. Nothing here blocks.
 *
 * <p>Messages are parsed with dnsjava, whose names keep case and compare octets; replies are written by
 * {@code ReplyWriter}, which can end a reply after any record. May import {@code linux}, {@code metrics} and {@code service}.
 */
@NullMarked
package io.sluice.dns;

import org.jspecify.annotations.NullMarked;
