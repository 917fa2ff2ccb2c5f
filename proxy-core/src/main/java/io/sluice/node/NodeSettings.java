package io.sluice.node;

import io.sluice.service.Cidr;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What the daemon may do to the host.
 *
 * @param addressMode   {@link AddressMode#AUTO} is {@link AddressMode#NFTABLES} where that is possible, else
 *                      {@link AddressMode#LOCAL_ROUTE}
 * @param ranges        address ranges of Services that are routed whole in mode {@link AddressMode#LOCAL_ROUTE}; cluster
 *                      addresses outside get a route each
 * @param fallback      whether the kernel forwards connections to endpoints itself while no proxy listens, with
 *                      {@link AddressMode#NFTABLES}
 * @param masqueradeAll whether endpoints see this node's address for all traffic to cluster addresses, with
 *                      {@link AddressMode#NFTABLES}
 * @param keepAddresses  whether the added addresses stay when the daemon ends
 * @param handoverSocket the socket at which a later daemon finds this one, and this one an earlier one; empty for none
 */
public record NodeSettings(AddressMode addressMode, List<Cidr> ranges, boolean fallback, boolean masqueradeAll,
        boolean keepAddresses,
        Optional<Path> handoverSocket) {

    /** Settings that change nothing on the host. */
    public static final NodeSettings NONE = new NodeSettings(AddressMode.NONE, List.of(), false, false, false,
            Optional.empty());

    public NodeSettings {
        ranges = List.copyOf(ranges);
    }
}
