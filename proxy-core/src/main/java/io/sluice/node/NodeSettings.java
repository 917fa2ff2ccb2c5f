package io.sluice.node;

import io.sluice.service.Cidr;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * What the daemon may do to the host.
 *
 * @param addressMode   never {@link AddressMode#AUTO}
 * @param ranges        address ranges of Services that are routed whole in mode {@link AddressMode#LOCAL_ROUTE}; cluster
 *                      addresses outside get a route each
 * @param keepAddresses  whether what was added stays when the daemon ends
 * @param handoverSocket where a later daemon finds this one, and this one an earlier one; empty for nowhere
 */
public record NodeSettings(AddressMode addressMode, List<Cidr> ranges, boolean keepAddresses,
        Optional<Path> handoverSocket) {

    /** Touches nothing. */
    public static final NodeSettings NONE = new NodeSettings(AddressMode.NONE, List.of(), false, Optional.empty());

    public NodeSettings {
        ranges = List.copyOf(ranges);
        if (addressMode == AddressMode.AUTO) {
            throw new IllegalArgumentException("the address mode is not decided");
        }
    }
}
