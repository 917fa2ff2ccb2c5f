package io.sluice.service;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What the annotations {@code sluice.io/…} of a Service ask for. A value that is not understood is a warning and leaves
 * the default: it never costs the Service a connection.
 *
 * @param balancer          null for the daemon's default
 * @param slowStart         how long a fresh endpoint's share grows; zero for full share at once
 * @param weights           by name of a Pod or by IP address, 1 to 100; whatever is not named weighs 1
 * @param affinityByService whether {@code sessionAffinity: ClientIP} sends a client to one Pod for all ports of the
 *                          Service, instead of for each port on its own
 * @param preserveSource    whether endpoints see connections come from the client's address
 * @param warnings          one line for each annotation that is not understood or has no effect
 */
public record ServiceOptions(@Nullable BalancerKind balancer, Duration slowStart, Map<String, Integer> weights,
        boolean affinityByService, ProxyProtocol proxyProtocol, boolean preserveSource, List<String> warnings) {

    /** Which way connections are spread: a {@link BalancerKind}. */
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

    /** No annotation. */
    public static final ServiceOptions NONE =
            new ServiceOptions(null, Duration.ZERO, Map.of(), false, ProxyProtocol.NONE, false, List.of());

    private static final String PREFIX = "sluice.io/";
    private static final Set<String> KNOWN =
            new TreeSet<>(Set.of(BALANCER, SLOW_START, WEIGHTS, AFFINITY_KEY, PROXY_PROTOCOL, PRESERVE_SOURCE));
    private static final int MAX_WEIGHT = 100;
    private static final Duration MAX_SLOW_START = Duration.ofHours(1);

    public ServiceOptions {
        weights = Map.copyOf(weights);
        warnings = List.copyOf(warnings);
    }

    /** Reads the annotations of {@code service}. */
    public static ServiceOptions of(Service service) {
        return of(service.annotations());
    }

    /** Reads annotations; those that do not begin with {@code sluice.io/} are not looked at. */
    public static ServiceOptions of(Map<String, String> annotations) {
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
        boolean preserve =
                word(PRESERVE_SOURCE, annotations.get(PRESERVE_SOURCE), List.of("false", "true"), warnings) == 1;
        new TreeMap<>(annotations).keySet().stream().filter(key -> key.startsWith(PREFIX) && !KNOWN.contains(key))
                .forEach(key -> warnings.add(key + " is not known: " + String.join(", ", KNOWN) + " are"));
        return new ServiceOptions(balancer, slowStart, weights, byService,
                version < 0 ? ProxyProtocol.NONE : version == 0 ? ProxyProtocol.V1 : ProxyProtocol.V2, preserve,
                warnings);
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

    /** A whole number of {@code ms}, {@code s}, {@code m} or {@code h}; null for anything else. */
    private static @Nullable Duration duration(String text) {
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

    /** What {@code endpoint} weighs. */
    public int weight(Endpoint endpoint) {
        if (weights.isEmpty()) {
            return 1;
        }
        Integer byName = endpoint.target() == null ? null : weights.get(endpoint.target());
        return byName != null ? byName : weights.getOrDefault(IpAddresses.format(endpoint.address().ip()), 1);
    }
}
