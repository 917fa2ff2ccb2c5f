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
 * The result of a snapshot for the addresses of this node; replaced whole when everything is looked at.
 *
 * @param claims      which Service port gets which address
 * @param loops       endpoints that lead back to where they are endpoints of
 * @param warnings    endpoints that are addresses of Services, and similar mistakes
 * @param unavailable addresses that are wanted and cannot be had just now, each with a reason
 */
record AddressPlan(AddressClaims claims, EndpointLoops loops, List<Warning> warnings,
        Map<InetAddress, String> unavailable) {

    /** No Service claims an address. */
    static final AddressPlan NONE = new AddressPlan(AddressClaims.none(), EndpointLoops.NONE, List.of(), Map.of());

    AddressPlan {
        warnings = List.copyOf(warnings);
        // Not Map.copyOf: the addresses of neighbours have hashes in a row, which that takes quadratic time for.
        unavailable = Collections.unmodifiableMap(new HashMap<>(unavailable));
    }

    /** The owner of each address, in the order of the Services' names. */
    Map<InetSocketAddress, Claim> claimed() {
        return claims.claims();
    }

    /**
     * The decisions of this plan that depend on endpoints.
     *
     * @param addresses     which addresses of endpoints decide about addresses of this node
     * @param repliesRouted whether replies of any endpoint are routed back to this node
     */
    ChangeScope.Dependents dependents(Predicate<InetAddress> addresses, boolean repliesRouted) {
        return new ChangeScope.Dependents(
                endpoint -> claims.concerns(endpoint) || addresses.test(endpoint.ip()), loops::concern, repliesRouted);
    }
}
