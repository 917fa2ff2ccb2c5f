package io.sluice.reconcile;

import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.AppliedState.Warning;
import io.sluice.service.EndpointLoops;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The result of a snapshot for the addresses of this node; replaced whole when everything is reviewed.
 *
 * @param claims      which TCP port of a Service gets which address
 * @param datagramClaims the same of UDP ports
 * @param loops       endpoints that lead back to the port whose endpoints they are
 * @param warnings    endpoints that are addresses of Services, and similar mistakes
 * @param routed      the addresses that routes make this machine's, where not every address is
 * @param unavailable addresses that are wanted and not available now, each with the reason
 */
record AddressPlan(AddressClaims claims, AddressClaims datagramClaims, EndpointLoops loops, List<Warning> warnings,
        Set<InetAddress> routed, Map<InetAddress, String> unavailable) {

    /** No Service claims an address. */
    static final AddressPlan NONE =
            new AddressPlan(AddressClaims.none(), AddressClaims.none(), EndpointLoops.NONE, List.of(), Set.of(),
                    Map.of());

    AddressPlan {
        warnings = List.copyOf(warnings);
        // Not copyOf: neighbouring addresses have consecutive hash codes, for which copyOf takes quadratic time.
        routed = Collections.unmodifiableSet(new HashSet<>(routed));
        unavailable = Collections.unmodifiableMap(new HashMap<>(unavailable));
    }

    /** The owner of each address, in the order of the Services' names. */
    Map<InetSocketAddress, Claim> claimed() {
        return claims.claims();
    }

    /** The same for datagrams. */
    Map<InetSocketAddress, Claim> claimedForDatagrams() {
        return datagramClaims.claims();
    }

    /**
     * The decisions of this plan that depend on endpoints.
     *
     * @param addresses     the addresses of endpoints that decide about addresses of this node
     * @param repliesRouted whether replies of any endpoint are routed back to this node
     */
    ChangeScope.Dependents dependents(Predicate<InetAddress> addresses, boolean repliesRouted) {
        return new ChangeScope.Dependents(
                endpoint -> claims.affects(endpoint) || datagramClaims.affects(endpoint)
                        || addresses.test(endpoint.ip()),
                loops::concern, repliesRouted);
    }
}
