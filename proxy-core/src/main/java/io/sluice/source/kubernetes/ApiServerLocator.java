package io.sluice.source.kubernetes;

import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServiceState;
import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the address of the API server for the next request. Where Sluice replaces kube-proxy, the configured server may be
 * the cluster IP of Service {@code default/kubernetes}, which only this process serves on this node; so it also connects to
 * the endpoints of that Service directly.
 *
 * <p>Which endpoints it accepts:
 * <ul>
 * <li>only Service {@code default/kubernetes}, and only if its cluster IP and port, or its name, are the configured ones.
 * The API server writes that object and its endpoints itself; anybody may claim an external address for a Service.
 * <li>Endpoints that the view has now come before the configured address. Endpoints of a state file, and the last ones when
 * the view has none any more, come after it, and only with {@link Protection#CERTIFICATE}: a server that restarts removes
 * itself from its own Service, and nothing else would report that it is back.
 * <li>With {@link Protection#ADDRESS} no direct address is tried at all.
 * </ul>
 *
 * <p>The configured address has its turn after the last direct address has failed, and when one address was used for
 * {@link #TURN}.
 *
 * <p>Reads no clock: times are passed in, in nanoseconds of {@link System#nanoTime}. Thread-safe.
 */
final class ApiServerLocator {

    /** The Service of the API server in every cluster. */
    static final ServiceName SERVICE = new ServiceName("default", "kubernetes");

    /** How long one address is used before the next has its turn; open watches stay. */
    static final Duration TURN = Duration.ofMinutes(30);

    /** How many direct addresses are tried; with more the configured one would wait for minutes. */
    static final int MOST_DIRECT = 8;

    /** What ensures that the configured server responds, and no other. */
    enum Protection {
        /** TLS: the server at each address must have a certificate that names the configured server. */
        CERTIFICATE,
        /** Nothing, but requests contain no secret either. */
        NOTHING_TO_STEAL,
        /**
         * Only the configured address: requests contain a secret, without TLS or without a check of the certificate; or an
         * HTTP proxy leads to the server, so that this node does not serve its address.
         */
        ADDRESS
    }

    private final RandomGenerator random;
    private URI configured = URI.create("http://unknown.invalid");
    private Protection protection = Protection.ADDRESS;
    /** The last state of the Service, from a watch or else from the state file. */
    private @Nullable ServiceState shown;
    private boolean live;
    /** The last known endpoints, and whether the view has them now. */
    private List<String> direct = List.of();
    private boolean preferred;
    /** The addresses in turn, the configured one among them; and the index of the current one. */
    private List<String> ring = List.of();
    private int turn;
    private long askedSinceNanos;
    private boolean begun;

    /** Has no server yet; {@code random} lets nodes begin with different servers (kubernetes#121591). */
    ApiServerLocator(RandomGenerator random) {
        this.random = random;
    }

    /**
     * Sets the configured server: at the start, and when the credentials were read again.
     *
     * @param server without a slash at the end
     */
    synchronized void configure(String server, Protection kept) {
        protection = kept;
        if (!configured.toString().equals(server)) {
            configured = URI.create(server);
            direct = List.of();
            preferred = false;
        }
        locate();
    }

    /** Sets {@link #SERVICE} as a state file has it; null for none. It is used until the first list. */
    synchronized void remembered(@Nullable ServiceState kubernetes) {
        if (!live) {
            shown = kubernetes;
            locate();
        }
    }

    /**
     * Sets {@link #SERVICE} as the view has it now; null for none.
     *
     * @return whether requests go to another address from now on
     */
    synchronized boolean learned(@Nullable ServiceState kubernetes) {
        if (live && Objects.equals(kubernetes, shown)) {
            return false;
        }
        live = true;
        shown = kubernetes;
        return locate();
    }

    /** The URL for a request at {@code now}. */
    synchronized String server(long now) {
        if (!begun) {
            begun = true;
            askedSinceNanos = now;
        } else if (now - askedSinceNanos >= TURN.toNanos()) {
            askedSinceNanos = now;
            turn = preferred ? (turn + 1) % ring.size() : 0;
        }
        return ring.get(turn);
    }

    /** The URL that requests go to; does not end a turn. */
    synchronized String current() {
        return ring.get(turn);
    }

    /**
     * The server at {@code url} did not respond, or not as an API server does.
     *
     * @return the number of addresses: that many attempts need no pause between them
     */
    synchronized int failed(String url, long now) {
        if (ring.get(turn).equals(url)) {
            turn = (turn + 1) % ring.size();
            askedSinceNanos = now;
        }
        return ring.size();
    }

    /** Rebuilds the ring. Returns whether the current address is another now. */
    private boolean locate() {
        String own = configured.toString();
        String before = ring.isEmpty() ? own : ring.get(turn);
        List<String> now = endpoints();
        boolean preferredBefore = preferred;
        preferred = live && !now.isEmpty() && protection != Protection.ADDRESS;
        direct = now.isEmpty() ? direct : now;
        List<String> candidates = preferred || protection == Protection.CERTIFICATE ? direct : List.of();
        // Addresses that are in the ring keep their places, so that the current one changes only if it must.
        List<String> next = new ArrayList<>(ring.stream().filter(candidates::contains).limit(MOST_DIRECT).toList());
        List<String> others = new ArrayList<>(candidates.stream().filter(url -> !next.contains(url)).toList());
        shuffle(others);
        List<String> added = others.subList(0, Math.min(MOST_DIRECT - next.size(), others.size()));
        next.addAll(added);
        next.add(preferred ? next.size() : 0, own);
        if (next.equals(ring)) {
            return false;
        }
        ring = List.copyOf(next);
        String better = added.isEmpty() ? next.getFirst() : added.getFirst();
        boolean goesOver = preferred
                && (before.equals(own) ? !added.isEmpty() || !preferredBefore : !next.contains(before));
        turn = Math.max(0, next.indexOf(goesOver ? better : before));
        boolean moved = !ring.get(turn).equals(before);
        begun &= !moved;
        return moved;
    }

    private void shuffle(List<String> urls) {
        for (int i = urls.size(); i > 1; i--) {
            Collections.swap(urls, i - 1, random.nextInt(i));
        }
    }

    /** The URLs of the Service's ready endpoints, if the configured server is that Service. */
    private List<String> endpoints() {
        ServiceState service = shown;
        boolean plain = configured.getRawPath() == null || configured.getRawPath().isEmpty();
        if (service == null || !plain || !isAddressOf(service.service())) {
            return List.of();
        }
        return service.ports().stream()
                .filter(known -> known.port().port() == port() && known.port().protocol() == Protocol.TCP).findFirst()
                .map(known -> known.endpoints().endpoints().stream().filter(Endpoint::ready).map(Endpoint::address)
                        .map(EndpointAddress::toString).map(address -> configured.getScheme() + "://" + address)
                        .filter(url -> !url.equals(configured.toString())).distinct().toList())
                .orElse(List.of());
    }

    private boolean isAddressOf(Service service) {
        String host = host(configured);
        Optional<InetAddress> address = address(host);
        return address.isPresent() ? service.clusterIps().contains(address.get()) : isNameOfService(host);
    }

    /** Whether {@code host} is its name in cluster DNS; other names are resolved for each connection. */
    private static boolean isNameOfService(String host) {
        String name = host.toLowerCase(Locale.ROOT);
        return name.equals(SERVICE.name()) || name.equals("kubernetes.default") || name.equals("kubernetes.default.svc")
                || name.startsWith("kubernetes.default.svc.");
    }

    private int port() {
        return configured.getPort() >= 0 ? configured.getPort() : configured.getScheme().equals("https") ? 443 : 80;
    }

    /** The host of a URL, an IPv6 address without its brackets. */
    static String host(URI url) {
        String host = String.valueOf(url.getHost());
        return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
    }

    /** The address that {@code host} is; empty for a name. */
    static Optional<InetAddress> address(String host) {
        try {
            return Optional.of(IpAddresses.parse(host));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
