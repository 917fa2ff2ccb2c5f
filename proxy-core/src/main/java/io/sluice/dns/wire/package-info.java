/**
 * DNS messages as octets: queries of clients ({@link io.sluice.dns.wire.Incoming}), our replies
 * ({@link io.sluice.dns.wire.ReplyWriter}, which can end a reply after any record), and answers of upstreams
 * ({@link io.sluice.dns.wire.UpstreamMessage}). Pure.
 *
 * <p>Messages are parsed with dnsjava. Imports nothing of the project.
 */
@NullMarked
package io.sluice.dns.wire;

import org.jspecify.annotations.NullMarked;
