package io.sluice.nftables;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The direct ways that the kernel has, and the element changes that turn them into others: only the differences, because
 * endpoints are many and change often. No I/O; for one thread.
 */
final class DirectWays {

    private final Map<ServiceSocket, DirectWay> known = new HashMap<>();
    /** By endpoint address: the number of ways that use it. */
    private final Map<InetAddress, Integer> uses = new HashMap<>();

    /** Notes that the kernel has no direct ways. */
    void forget() {
        known.clear();
        uses.clear();
    }

    /** Adds to {@code into} the changes after which the kernel has the ways in {@code wanted} and no others. */
    void changeTo(Map<ServiceSocket, DirectWay> wanted, ElementChanges into) {
        Map<InetAddress, Integer> before = new HashMap<>();
        List<ServiceSocket> gone = new ArrayList<>();
        for (ServiceSocket socket : known.keySet()) {
            if (!wanted.containsKey(socket)) {
                gone.add(socket);
            }
        }
        gone.forEach(socket -> change(socket, null, before, into));
        wanted.forEach((socket, way) -> change(socket, way, before, into));
        hairpins(before, into);
    }

    /** Adds to {@code into} the changes after which the kernel has these ways; those of other sockets stay as they are. */
    void change(Map<ServiceSocket, Optional<DirectWay>> some, ElementChanges into) {
        Map<InetAddress, Integer> before = new HashMap<>();
        some.forEach((socket, way) -> change(socket, way.orElse(null), before, into));
        hairpins(before, into);
    }

    private void change(ServiceSocket socket, @Nullable DirectWay way, Map<InetAddress, Integer> before,
            ElementChanges into) {
        DirectWay old = way == null ? known.remove(socket) : known.put(socket, way);
        if (Objects.equals(old, way)) {
            return;
        }
        IpFamily family = socket.address().family();
        byte[] key = ElementChanges.key(socket);
        List<EndpointAddress> from = old == null ? List.of() : old.endpoints();
        List<EndpointAddress> to = way == null ? List.of() : way.endpoints();
        count(key, family, from.size(), to.size(), into);
        ElementSet endpoints = ElementSet.of(family, ElementSet.ENDPOINTS4, ElementSet.ENDPOINTS6);
        for (int i = 0; i < Math.max(from.size(), to.size()); i++) {
            EndpointAddress left = i < from.size() ? from.get(i) : null;
            EndpointAddress entered = i < to.size() ? to.get(i) : null;
            if (left != null && !left.equals(entered)) {
                into.remove(endpoints, numbered(key, i));
            }
            if (entered != null && !entered.equals(left)) {
                into.add(endpoints, Element.of(numbered(key, i), data(entered)));
            }
        }
        masquerade(key, family, old != null && old.masquerade(), way != null && way.masquerade(), into);
        from.forEach(endpoint -> use(endpoint.ip(), -1, before));
        to.forEach(endpoint -> use(endpoint.ip(), 1, before));
    }

    private static void count(byte[] key, IpFamily family, int from, int to, ElementChanges into) {
        ElementSet direct = ElementSet.of(family, ElementSet.DIRECT4, ElementSet.DIRECT6);
        if (from != to && from > 0) {
            into.remove(direct, key);
        }
        if (from != to && to > 0) {
            into.add(direct, Element.of(key, number(to)));
        }
    }

    private static void masquerade(byte[] key, IpFamily family, boolean from, boolean to, ElementChanges into) {
        ElementSet masqueraded = ElementSet.of(family, ElementSet.MASQUERADED4, ElementSet.MASQUERADED6);
        if (from && !to) {
            into.remove(masqueraded, key);
        } else if (to && !from) {
            into.add(masqueraded, Element.of(key));
        }
    }

    private void use(InetAddress address, int more, Map<InetAddress, Integer> before) {
        int now = uses.getOrDefault(address, 0);
        before.putIfAbsent(address, now);
        uses.put(address, now + more);
    }

    /** Called once for all changes of a batch: one way may lose an endpoint that another one gets. */
    private void hairpins(Map<InetAddress, Integer> before, ElementChanges into) {
        before.forEach((address, count) -> {
            int now = uses.getOrDefault(address, 0);
            byte[] octets = address.getAddress();
            byte[] key = ByteBuffer.allocate(2 * octets.length).put(octets).put(octets).array();
            ElementSet set = ElementSet.of(IpFamily.of(address), ElementSet.HAIRPINS4, ElementSet.HAIRPINS6);
            if (count == 0 && now > 0) {
                into.add(set, Element.of(key));
            } else if (count > 0 && now == 0) {
                into.remove(set, key);
            }
            if (now == 0) {
                uses.remove(address);
            }
        });
    }

    private static byte[] numbered(byte[] key, int number) {
        return ByteBuffer.allocate(key.length + Integer.BYTES).put(key).put(number(number)).array();
    }

    /** A number in host byte order, not in network byte order. */
    private static byte[] number(int value) {
        return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.nativeOrder()).putInt(value).array();
    }

    private static byte[] data(EndpointAddress endpoint) {
        byte[] address = endpoint.ip().getAddress();
        return ByteBuffer.allocate(address.length + Integer.BYTES).put(address).putShort((short) endpoint.port())
                .putShort((short) 0).array();
    }
}
