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
 * Decides at which address the API server is asked next. In place of kube-proxy the configured server may be the cluster
 * IP of Service {@code default/kubernetes}, which only this process serves on this node; so it also asks the servers
 * behind that Service directly.
 *
 * <p>Whom it believes about where these are:
 * <ul>
 * <li>only Service {@code default/kubernetes}, and only if its cluster IP and port, or its name, are the configured ones.
 * The API server writes that object and its endpoints itself; an external address of a Service may be anybody's.
 * <li>Endpoints that the watches show now come before the configured address. Those of a state file, and the last ones when
 * the watches show none any more, come after it, and only with {@link Protection#CERTIFICATE}: a server that restarts
 * takes itself out of its own Service, and nobody else would tell us that it is back.
 * <li>Without any {@link Protection} no direct address is asked at all.
 * </ul>
 *
 * <p>The configured address always has its turn: after the last direct address has failed, and when one address has been
 * asked for {@link #TURN}.
 *
 * <p>Reads no clock: times are passed in, in nanoseconds of {@link System#nanoTime}. Thread-safe.
 */
final class ApiServerLocator {

    /** The Service that stands for the API server in every cluster. */
    static final ServiceName SERVICE = new ServiceName("default", "kubernetes");

    /** How long one address is asked before the next has its turn; watches that are open go on. */
    static final Duration TURN = Duration.ofMinutes(30);

    /** Direct addresses that are tried; attempts to reach more would keep the configured one waiting for minutes. */
    static final int MOST_DIRECT = 8;

    /** What makes sure that it is the configured server that answers. */
    enum Protection {
        /** TLS: each address has to show a certificate that names the configured server. */
        CERTIFICATE,
        /** Nothing does, but nothing that is sent is secret either. */
        NOTHING_TO_STEAL,
        /**
         * The configured address alone: a secret is sent without TLS or without checking the certificate; or an HTTP
         * proxy leads to the server, which is then not this node's to serve.
         */
        ADDRESS
    }

    private final RandomGenerator random;
    private URI configured = URI.create("http://unknown.invalid");
    private Protection protection = Protection.ADDRESS;
    /** What was said last of the Service, by a watch or else by the state file. */
    private @Nullable ServiceState shown;
    private boolean live;
    /** The last endpoints that were known, and whether a watch shows them now. */
    private List<String> direct = List.of();
    private boolean preferred;
    /** The addresses in turn, the configured one among them; and which of them is asked. */
    private List<String> ring = List.of();
    private int turn;
    private long askedSinceNanos;
    private boolean begun;

    /** Knows no server yet; {@code random} gives each node another server to begin with (kubernetes#121591). */
    ApiServerLocator(RandomGenerator random) {
        this.random = random;
    }

    /**
     * Takes the configured server: at the start, and when the credentials were read again.
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

    /** Takes what a state file says of {@link #SERVICE}: null if it does not have it. It counts until a watch says more. */
    synchronized void remembered(@Nullable ServiceState kubernetes) {
        if (!live) {
            shown = kubernetes;
            locate();
        }
    }

    /**
     * Takes what the watches say of {@link #SERVICE} now: null if there is no such Service.
     *
     * @return whether another address is asked from now on
     */
    synchronized boolean learned(@Nullable ServiceState kubernetes) {
        if (live && Objects.equals(kubernetes, shown)) {
            return false;
        }
        live = true;
        shown = kubernetes;
        return locate();
    }

    /** The URL to ask at {@code now}. */
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

    /** The URL that requests go to; no turn passes by asking. */
    synchronized String current() {
        return ring.get(turn);
    }

    /**
     * The server at {@code url} did not answer, or not as an API server does.
     *
     * @return how many addresses are asked in turn: so many attempts are worth while without a pause
     */
    synchronized int failed(String url, long now) {
        if (ring.get(turn).equals(url)) {
            turn = (turn + 1) % ring.size();
            askedSinceNanos = now;
        }
        return ring.size();
    }

    /** Makes the ring anew from what is known; whether that changes which address is asked. */
    private boolean locate() {
        String own = configured.toString();
        String before = ring.isEmpty() ? own : ring.get(turn);
        List<String> now = endpoints();
        boolean preferredBefore = preferred;
        preferred = live && !now.isEmpty() && protection != Protection.ADDRESS;
        direct = now.isEmpty() ? direct : now;
        List<String> candidates = preferred || protection == Protection.CERTIFICATE ? direct : List.of();
        // Those that are asked already keep their places, so that no more than needed changes.
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

    /** Where the Service's ready endpoints are, if the configured server is that Service. */
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

    /** By its name in cluster DNS; what other names lead to is the resolver's word, and asked at each connection. */
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
