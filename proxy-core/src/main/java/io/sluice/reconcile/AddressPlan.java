package io.sluice.reconcile;

import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.AppliedState.Warning;
import io.sluice.service.EndpointLoops;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/**
 * What a snapshot comes to at the addresses of this node; replaced whole when everything is looked at.
 *
 * @param claims      which Service port gets which address
 * @param loops       endpoints that lead back to where they are endpoints of
 * @param warnings    what endpoints say and nobody can want
 * @param unavailable addresses that are wanted and cannot be had just now, each with a reason
 */
record AddressPlan(AddressClaims claims, EndpointLoops loops, List<Warning> warnings,
        Map<InetAddress, String> unavailable) {

    /** Nobody wants an address. */
    static final AddressPlan NONE = new AddressPlan(AddressClaims.none(), EndpointLoops.NONE, List.of(), Map.of());

    AddressPlan {
        warnings = List.copyOf(warnings);
        // Not Map.copyOf: the addresses of neighbours have hashes in a row, which that takes quadratic time for.
        unavailable = Collections.unmodifiableMap(new HashMap<>(unavailable));
    }

    /** Who has which address, in the order of the Services' names. */
    Map<InetSocketAddress, Claim> claimed() {
        return claims.claims();
    }

    /**
     * What of this plan depends on endpoints.
     *
     * @param addresses     which addresses of endpoints decide about addresses of this node
     * @param repliesRouted whether replies of any endpoint are routed back to this node
     */
    ChangeScope.Dependents dependents(Predicate<InetAddress> addresses, boolean repliesRouted) {
        return new ChangeScope.Dependents(
                endpoint -> claims.concerns(endpoint) || addresses.test(endpoint.ip()), loops::concern, repliesRouted);
    }
}
