package io.sluice.nftables;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import java.net.InetAddress;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ElementChangesTest {

    private static final ServiceSocket WEB = socket("10.96.0.1", Protocol.TCP, 80);

    private static ServiceSocket socket(String ip, Protocol protocol, int port) {
        return new ServiceSocket(new EndpointAddress(IpAddresses.parse(ip), port), protocol);
    }

    @ParameterizedTest(name = "{0} {1} goes into {2}")
    @CsvSource({"10.96.0.1, PROXY, SERVED4", "10.96.0.1, REFUSE, REFUSED4", "10.96.0.1, DROP, DROPPED4",
            "fd96::1, PROXY, SERVED6", "fd96::1, REFUSE, REFUSED6", "fd96::1, DROP, DROPPED6"})
    void a_verdict_is_a_set(String ip, Verdict verdict, ElementSet set) {
        ElementChanges changes = ElementChanges.between(Contents.EMPTY,
                new Contents(Map.of(socket(ip, Protocol.TCP, 80), verdict), Set.of()));
        assertThat(changes.removed()).isEmpty();
        assertThat(changes.added()).containsOnlyKeys(set);
    }

    @Test
    void another_verdict_moves_the_element() {
        ElementChanges changes = ElementChanges.between(new Contents(Map.of(WEB, Verdict.PROXY), Set.of()),
                new Contents(Map.of(WEB, Verdict.REFUSE), Set.of()));
        assertThat(changes.removed()).containsOnlyKeys(ElementSet.SERVED4);
        assertThat(changes.added()).containsOnlyKeys(ElementSet.REFUSED4);
    }

    @Test
    void the_same_port_of_another_protocol_is_another_element() {
        ElementChanges changes = ElementChanges.between(new Contents(Map.of(WEB, Verdict.PROXY), Set.of()),
                new Contents(Map.of(WEB, Verdict.PROXY, socket("10.96.0.1", Protocol.UDP, 80), Verdict.PROXY),
                        Set.of()));
        assertThat(changes.removed()).isEmpty();
        assertThat(changes.added().get(ElementSet.SERVED4)).hasSize(1);
    }

    /** Elements by set, as in the kernel, which refuses to remove an element that is not there. */
    private static final class Model {
        private final Map<ElementSet, Map<String, String>> sets = new EnumMap<>(ElementSet.class);

        void change(ElementChanges changes) {
            changes.removed().forEach((set, elements) -> elements.forEach(each -> assertThat(
                    in(set).remove(key(each))).as(set.label()).isNotNull()));
            changes.added().forEach((set, elements) -> elements.forEach(each -> {
                assertThat(each.data()).as(set.label()).hasSize(set.dataBytes());
                assertThat(each.end()).as(set.label()).hasSize(set.isRanges() ? set.keyBytes() : 0);
                assertThat(in(set).put(key(each), HexFormat.of().formatHex(each.data()))).as(set.label()).isNull();
            }));
            sets.values().removeIf(Map::isEmpty);
        }

        private static String key(Element element) {
            return HexFormat.of().formatHex(element.key()) + HexFormat.of().formatHex(element.end());
        }

        private Map<String, String> in(ElementSet set) {
            return sets.computeIfAbsent(set, key -> new TreeMap<>());
        }
    }

    @Test
    void the_difference_between_any_two_leads_from_one_to_the_other() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        Model kernel = new Model();
        DirectWays ways = new DirectWays();
        Contents before = Contents.EMPTY;
        for (int round = 0; round < 2_000; round++) {
            Contents after = random.nextInt(10) == 0 ? Contents.EMPTY : someContents(random);
            ElementChanges changes = ElementChanges.between(before, after);
            if (round % 2 == 0) {
                ways.changeTo(after.directWays(), changes);
            } else {
                ways.change(some(before, after), changes);
            }
            kernel.change(changes);
            Model fresh = new Model();
            ElementChanges all = ElementChanges.between(Contents.EMPTY, after);
            new DirectWays().changeTo(after.directWays(), all);
            fresh.change(all);
            assertThat(kernel.sets).as("seed %d, round %d", seed, round).isEqualTo(fresh.sets);
            assertThat(count(fresh))
                    .isEqualTo(after.sockets().size() + after.clusterIps().size() + directElements(after)
                            + after.sources().values().stream().mapToInt(ranges -> 1 + ranges.size()).sum());
            assertThat(changes.isEmpty()).isEqualTo(before.equals(after));
            assertFits(changes);
            before = after;
        }
    }

    @Test
    void a_range_within_another_is_left_out_as_the_kernel_takes_none_that_overlap() {
        Contents contents = new Contents(Map.of(WEB, Verdict.PROXY), Set.of(), Map.of(), Map.of(WEB,
                Set.of(Cidr.parse("10.0.0.0/8"), Cidr.parse("10.50.0.0/16"), Cidr.parse("192.0.2.7/32"))));
        assertThat(contents.sources().get(WEB))
                .containsExactlyInAnyOrder(Cidr.parse("10.0.0.0/8"), Cidr.parse("192.0.2.7/32"));
    }

    private static Map<ServiceSocket, Optional<DirectWay>> some(Contents before, Contents after) {
        Map<ServiceSocket, Optional<DirectWay>> some = new HashMap<>();
        before.directWays().keySet().forEach(socket -> some.put(socket, Optional.empty()));
        after.directWays().forEach((socket, way) -> some.put(socket, Optional.of(way)));
        return some;
    }

    private static int count(Model model) {
        return model.sets.values().stream().mapToInt(Map::size).sum();
    }

    /** A number for each way, one element for each of its endpoints, its mark, and each endpoint's address once. */
    private static int directElements(Contents contents) {
        return contents.directWays().values().stream()
                .mapToInt(way -> 1 + way.endpoints().size() + (way.masquerade() ? 1 : 0)).sum()
                + (int) contents.directWays().values().stream().flatMap(way -> way.endpoints().stream())
                        .map(EndpointAddress::ip).distinct().count();
    }

    private static void assertFits(ElementChanges changes) {
        NftMessages out = new NftMessages(changes.bytes());
        changes.removed().forEach((set, keys) -> out.elements(false, "sluice", set, keys));
        changes.added().forEach((set, keys) -> out.elements(true, "sluice", set, keys));
        assertThat(out.written().limit()).isLessThanOrEqualTo(changes.bytes());
    }

    private static Contents someContents(Random random) {
        List<String> prefixes = List.of("10.96.0.", "fd96::");
        Map<ServiceSocket, Verdict> sockets = new HashMap<>();
        Set<InetAddress> ips = new HashSet<>();
        Map<ServiceSocket, DirectWay> ways = new HashMap<>();
        Map<ServiceSocket, Set<Cidr>> sources = new HashMap<>();
        for (int i = random.nextInt(12); i > 0; i--) {
            String ip = oneOf(prefixes, random) + (1 + random.nextInt(3));
            ServiceSocket socket = socket(ip, oneOf(List.of(Protocol.values()), random), 80 + random.nextInt(2));
            sockets.put(socket, oneOf(List.of(Verdict.values()), random));
            if (random.nextBoolean()) {
                String prefix = ip.contains(":") ? "fd50::" : "10.50.0.";
                ways.put(socket, new DirectWay(Stream.generate(() -> new EndpointAddress(
                        IpAddresses.parse(prefix + (1 + random.nextInt(4))), 8080 + random.nextInt(2)))
                        .limit(1 + random.nextInt(DirectWay.MOST)).toList(), random.nextBoolean()));
            }
            if (random.nextBoolean()) {
                List<String> ranges = ip.contains(":") ? List.of("fd00::/8", "fd50::/64", "fd51::7/128")
                        : List.of("0.0.0.0/0", "10.0.0.0/8", "10.50.0.0/16", "192.0.2.7/32");
                sources.put(socket, Stream.generate(() -> Cidr.parse(oneOf(ranges, random)))
                        .limit(1 + random.nextInt(3)).collect(Collectors.toSet()));
            }
            if (random.nextBoolean()) {
                ips.add(IpAddresses.parse(ip));
            }
        }
        return new Contents(sockets, ips, ways, sources);
    }

    private static <T> T oneOf(List<T> all, Random random) {
        return all.get(random.nextInt(all.size()));
    }
}
