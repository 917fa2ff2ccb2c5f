/**
 * Transparent interception of connections to Services by an nf_tables table of Sluice's own, which
 * {@link io.sluice.nftables.InterceptionTable} maintains, in atomic batches of nfnetlink messages.
 *
 * <p>May import {@code linux}, {@code netlink} and {@code service}.
 */
@NullMarked
package io.sluice.nftables;

import org.jspecify.annotations.NullMarked;
