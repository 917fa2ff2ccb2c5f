package io.sluice.service;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What the annotations {@code sluice.io/…} of a Service ask for. A value that is not valid gives a warning, and the default
 * holds: it never costs the Service a connection.
 *
 * @param balancer          null for the daemon's default
 * @param slowStart         how long a fresh endpoint's share grows; zero for full share at once
 * @param weights           by name of a Pod or by IP address, 1 to 100; an endpoint that is not named has the weight 1
 * @param affinityByService whether {@code sessionAffinity: ClientIP} sends a client to one Pod for all ports of the
 *                          Service, instead of for each port on its own
 * @param preserveSource    whether endpoints see connections come from the client's address; null where nothing is said
 * @param peers             when a client or an endpoint is taken for dead
 * @param udpTimeout        how long a flow of datagrams lives without one; null for the daemon's defaults
 * @param udpReplies        how many replies to each datagram of a client end its flow, 0 for none; -1 where nothing is said
 * @param healthCheck       how endpoints are checked; null for not at all
 * @param handoff           when connections are handed to the kernel; null for the daemon's default
 * @param warnings          one line for each annotation that is not understood or has no effect
 */
public record ServiceAnnotations(@Nullable BalancerKind balancer, Duration slowStart, Map<String, Integer> weights,
        boolean affinityByService, ProxyProtocol proxyProtocol, @Nullable Boolean preserveSource,
        PeerTimeouts.Said peers, @Nullable Duration udpTimeout, int udpReplies,
        @Nullable HealthCheck healthCheck, @Nullable HandoffPolicy handoff, List<String> warnings) {

    /** How connections are spread: a {@link BalancerKind}. */
    public static final String BALANCER = "sluice.io/balancer";
    /** How long a fresh endpoint's share grows, for example {@code 30s}. */
    public static final String SLOW_START = "sluice.io/slow-start";
    /** {@code name=weight} separated by commas; a name is a Pod's or an IP address. */
    public static final String WEIGHTS = "sluice.io/weights";
    /** {@code port} or {@code service}. */
    public static final String AFFINITY_KEY = "sluice.io/session-affinity-key";
    /** {@code v1} or {@code v2}. */
    public static final String PROXY_PROTOCOL = "sluice.io/proxy-protocol";
    /** {@code true} or {@code false}. */
    public static final String PRESERVE_SOURCE = "sluice.io/preserve-source";
    /** After which time a silent peer is asked whether it is there, for example {@code 60s}. */
    public static final String KEEPALIVE_IDLE = "sluice.io/keepalive-idle";
    /** After which time it is asked again. */
    public static final String KEEPALIVE_INTERVAL = "sluice.io/keepalive-interval";
    /** How often it is asked. */
    public static final String KEEPALIVE_COUNT = "sluice.io/keepalive-count";
    /** How long a peer may answer nothing while something is under way to it. */
    public static final String DEAD_PEER_TIMEOUT = "sluice.io/dead-peer-timeout";
    /** How long a flow of datagrams lives without one, for example {@code 10s}. */
    public static final String UDP_TIMEOUT = "sluice.io/udp-timeout";
    /** How many replies to each datagram of a client end its flow: 1 for questions and answers, 0 for none. */
    public static final String UDP_REPLIES = "sluice.io/udp-replies";

    /** When connections are handed to the kernel: a {@link HandoffPolicy}. */
    public static final String KERNEL_HANDOFF = "sluice.io/kernel-handoff";

    /** No annotation. */
    public static final ServiceAnnotations NONE =
            new ServiceAnnotations(null, Duration.ZERO, Map.of(), false, ProxyProtocol.NONE, null,
                    PeerTimeouts.Said.NONE, null, -1, null, null, List.of());

    private static final String PREFIX = "sluice.io/";
    private static final Set<String> KNOWN = known();
    private static final List<String> FOR_TCP = List.of(PROXY_PROTOCOL, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL,
            KEEPALIVE_COUNT, DEAD_PEER_TIMEOUT, HealthCheck.CHECK, KERNEL_HANDOFF);
    private static final List<String> FOR_UDP = List.of(UDP_TIMEOUT, UDP_REPLIES);
    private static final Duration MAX_UDP_TIMEOUT = Duration.ofHours(24);
    private static final int MAX_REPLIES = 100;
    private static final int MAX_WEIGHT = 100;
    private static final Duration MAX_SLOW_START = Duration.ofHours(1);
    private static final Duration MAX_DEAD_PEER = Duration.ofHours(24);

    private static Set<String> known() {
        Set<String> known = new TreeSet<>(Set.of(BALANCER, SLOW_START, WEIGHTS, AFFINITY_KEY, PROXY_PROTOCOL,
                PRESERVE_SOURCE, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT, DEAD_PEER_TIMEOUT, UDP_TIMEOUT,
                UDP_REPLIES, KERNEL_HANDOFF));
        known.addAll(HealthCheck.ANNOTATIONS);
        return known;
    }

    public ServiceAnnotations {
        weights = Map.copyOf(weights);
        warnings = List.copyOf(warnings);
    }

    /** Reads the annotations of {@code service}. */
    public static ServiceAnnotations of(Service service) {
        return of(service.annotations(), service.ports().stream().map(ServicePort::protocol).toList());
    }

    /** The same of a Service that has ports of each protocol. */
    static ServiceAnnotations of(Map<String, String> annotations) {
        return of(annotations, List.of(Protocol.values()));
    }

    /**
     * Reads annotations; those that do not begin with {@code sluice.io/} are ignored.
     *
     * @param protocols of the Service's ports
     */
    public static ServiceAnnotations of(Map<String, String> annotations, Collection<Protocol> protocols) {
        if (annotations.keySet().stream().noneMatch(key -> key.startsWith(PREFIX))) {
            return NONE;
        }
        List<String> warnings = new ArrayList<>();
        BalancerKind balancer = balancer(annotations.get(BALANCER), warnings);
        Duration slowStart = slowStart(annotations.get(SLOW_START), warnings);
        if (balancer == BalancerKind.MAGLEV && !slowStart.isZero()) {
            warnings.add(SLOW_START + " has no effect together with " + BALANCER + ": maglev");
            slowStart = Duration.ZERO;
        }
        Map<String, Integer> weights = weights(annotations.get(WEIGHTS), warnings);
        if (!weights.isEmpty() && balancer != BalancerKind.WEIGHTED_ROUND_ROBIN) {
            warnings.add(WEIGHTS + " has no effect without " + BALANCER + ": weighted-round-robin");
        }
        boolean byService =
                word(AFFINITY_KEY, annotations.get(AFFINITY_KEY), List.of("port", "service"), warnings) == 1;
        int version = word(PROXY_PROTOCOL, annotations.get(PROXY_PROTOCOL), List.of("v1", "v2"), warnings);
        int preserve = word(PRESERVE_SOURCE, annotations.get(PRESERVE_SOURCE), List.of("false", "true"), warnings);
        PeerTimeouts.Said peers = peers(annotations, warnings);
        Duration udpTimeout = udpTimeout(annotations.get(UDP_TIMEOUT), warnings);
        int udpReplies = udpReplies(annotations.get(UDP_REPLIES), warnings);
        HealthCheck healthCheck = HealthCheck.read(annotations, warnings);
        HandoffPolicy handoff = handoff(annotations.get(KERNEL_HANDOFF), warnings);
        if (!protocols.isEmpty()) {
            Stream.of(Protocol.TCP, Protocol.UDP).filter(protocol -> !protocols.contains(protocol))
                    .forEach(protocol -> withoutPort(protocol, annotations, warnings));
        }
        new TreeMap<>(annotations).keySet().stream().filter(key -> key.startsWith(PREFIX) && !KNOWN.contains(key))
                .forEach(key -> warnings.add(key + " is not known: " + String.join(", ", KNOWN) + " are"));
        return new ServiceAnnotations(balancer, slowStart, weights, byService,
                version < 0 ? ProxyProtocol.NONE : version == 0 ? ProxyProtocol.V1 : ProxyProtocol.V2,
                preserve < 0 ? null : Boolean.valueOf(preserve == 1), peers, udpTimeout, udpReplies, healthCheck,
                handoff, warnings);
    }

    /** Warns of what is for ports of {@code protocol} alone, of which the Service has none. */
    private static void withoutPort(Protocol protocol, Map<String, String> annotations, List<String> warnings) {
        (protocol == Protocol.TCP ? FOR_TCP : FOR_UDP).stream().filter(annotations::containsKey)
                .forEach(key -> warnings.add(key + " has no effect: the Service has no " + protocol + " port"));
    }

    private static @Nullable BalancerKind balancer(@Nullable String value, List<String> warnings) {
        if (value == null) {
            return null;
        }
        Optional<BalancerKind> kind = BalancerKind.of(value.strip());
        if (kind.isEmpty()) {
            warnings.add(unknown(BALANCER, value,
                    Arrays.stream(BalancerKind.values()).map(BalancerKind::word).toList()));
        }
        return kind.orElse(null);
    }

    private static @Nullable HandoffPolicy handoff(@Nullable String value, List<String> warnings) {
        if (value == null) {
            return null;
        }
        Optional<HandoffPolicy> policy = HandoffPolicy.of(value.strip());
        if (policy.isEmpty()) {
            warnings.add(unknown(KERNEL_HANDOFF, value,
                    Arrays.stream(HandoffPolicy.values()).map(HandoffPolicy::word).toList()));
        }
        return policy.orElse(null);
    }

    private static int word(String annotation, @Nullable String value, List<String> words, List<String> warnings) {
        if (value == null) {
            return -1;
        }
        int index = words.indexOf(value.strip());
        if (index < 0) {
            warnings.add(unknown(annotation, value, words));
        }
        return index;
    }

    private static String unknown(String annotation, String value, List<String> words) {
        return annotation + ": '" + value + "' is not known, the default holds; " + String.join(", ", words) + " are";
    }

    private static Duration slowStart(@Nullable String value, List<String> warnings) {
        if (value == null) {
            return Duration.ZERO;
        }
        Duration duration = duration(value.strip());
        if (duration == null || duration.compareTo(MAX_SLOW_START) > 0) {
            warnings.add(SLOW_START + ": '" + value + "' is not a time like 30s or 2m, one hour at the most;"
                    + " there is no slow start");
            return Duration.ZERO;
        }
        return duration;
    }

    private static @Nullable Duration udpTimeout(@Nullable String value, List<String> warnings) {
        if (value == null) {
            return null;
        }
        Duration duration = duration(value.strip());
        if (duration == null || duration.compareTo(Duration.ofSeconds(1)) < 0
                || duration.compareTo(MAX_UDP_TIMEOUT) > 0) {
            warnings.add(UDP_TIMEOUT + ": '" + value + "' is not a time from 1s to 24h; the defaults hold");
            return null;
        }
        return duration;
    }

    private static int udpReplies(@Nullable String value, List<String> warnings) {
        if (value == null) {
            return -1;
        }
        String text = value.strip();
        if (!text.matches("[0-9]{1,3}") || Integer.parseInt(text) > MAX_REPLIES) {
            warnings.add(UDP_REPLIES + ": '" + value + "' is not a number from 0 to " + MAX_REPLIES
                    + "; the default holds");
            return -1;
        }
        return Integer.parseInt(text);
    }

    private static PeerTimeouts.Said peers(Map<String, String> annotations, List<String> warnings) {
        return new PeerTimeouts.Said(
                keepalive(KEEPALIVE_IDLE, annotations.get(KEEPALIVE_IDLE), true, warnings),
                keepalive(KEEPALIVE_INTERVAL, annotations.get(KEEPALIVE_INTERVAL), false, warnings),
                keepaliveCount(annotations.get(KEEPALIVE_COUNT), warnings),
                deadPeer(annotations.get(DEAD_PEER_TIMEOUT), warnings));
    }

    private static @Nullable Duration keepalive(String annotation, @Nullable String value, boolean mayBeZero,
            List<String> warnings) {
        if (value == null) {
            return null;
        }
        Duration duration = duration(value.strip());
        if (duration == null || !PeerTimeouts.isKeepalive(duration) && !(mayBeZero && duration.isZero())) {
            warnings.add(annotation + ": '" + value + "' is not a time of whole seconds like 30s or 2m, at most "
                    + PeerTimeouts.MAX_KEEPALIVE_SECONDS + "s; the default holds");
            return null;
        }
        return duration;
    }

    private static @Nullable Integer keepaliveCount(@Nullable String value, List<String> warnings) {
        if (value == null) {
            return null;
        }
        String number = value.strip();
        if (!number.matches("[0-9]{1,3}") || Integer.parseInt(number) < 1
                || Integer.parseInt(number) > PeerTimeouts.MAX_KEEPALIVE_COUNT) {
            warnings.add(KEEPALIVE_COUNT + ": '" + value + "' is not a number from 1 to "
                    + PeerTimeouts.MAX_KEEPALIVE_COUNT + "; the default holds");
            return null;
        }
        return Integer.valueOf(number);
    }

    private static @Nullable Duration deadPeer(@Nullable String value, List<String> warnings) {
        if (value == null) {
            return null;
        }
        Duration duration = duration(value.strip());
        if (duration == null || duration.compareTo(MAX_DEAD_PEER) > 0) {
            warnings.add(DEAD_PEER_TIMEOUT + ": '" + value + "' is not a time like 30s or 2m, one day at the most;"
                    + " the default holds");
            return null;
        }
        return duration;
    }

    /** A whole number of {@code ms}, {@code s}, {@code m} or {@code h}; null for anything else. */
    static @Nullable Duration duration(String text) {
        int digits = 0;
        while (digits < text.length() && digits < 9 && text.charAt(digits) >= '0' && text.charAt(digits) <= '9') {
            digits++;
        }
        if (digits == 0) {
            return null;
        }
        int number = Integer.parseInt(text.substring(0, digits));
        return switch (text.substring(digits)) {
            case "ms" -> Duration.ofMillis(number);
            case "s" -> Duration.ofSeconds(number);
            case "m" -> Duration.ofMinutes(number);
            case "h" -> Duration.ofHours(number);
            default -> null;
        };
    }

    private static Map<String, Integer> weights(@Nullable String value, List<String> warnings) {
        Map<String, Integer> weights = new TreeMap<>();
        if (value == null || value.isBlank()) {
            return weights;
        }
        for (String part : value.split(",", -1)) {
            int equals = part.indexOf('=');
            String name = equals < 0 ? "" : part.substring(0, equals).strip();
            String number = equals < 0 ? "" : part.substring(equals + 1).strip();
            if (name.isEmpty() || !number.matches("[0-9]{1,3}") || Integer.parseInt(number) < 1
                    || Integer.parseInt(number) > MAX_WEIGHT) {
                warnings.add(WEIGHTS + ": '" + part.strip() + "' is not a Pod's name or an IP address, '=' and a weight"
                        + " from 1 to " + MAX_WEIGHT + "; it is left out");
            } else {
                weights.put(name, Integer.valueOf(number));
            }
        }
        return weights;
    }

    /** The weight of {@code endpoint}. */
    public int weight(Endpoint endpoint) {
        if (weights.isEmpty()) {
            return 1;
        }
        Integer byName = endpoint.target() == null ? null : weights.get(endpoint.target());
        return byName != null ? byName : weights.getOrDefault(IpAddresses.format(endpoint.address().ip()), 1);
    }
}
