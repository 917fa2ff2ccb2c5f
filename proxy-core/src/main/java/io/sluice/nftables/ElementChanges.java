package io.sluice.nftables;

import io.sluice.service.Protocol;
import io.sluice.service.Cidr;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The difference between two {@link Contents}, as elements; {@link DirectWays} adds that of direct ways. Pure.
 *
 * @param removed elements by set, which the kernel removes first; a set without such elements is absent
 * @param added   elements by set, which the kernel adds; a set without such elements is absent
 */
record ElementChanges(Map<ElementSet, List<Element>> removed, Map<ElementSet, List<Element>> added) {

    private static final int TCP = 6;
    private static final int UDP = 17;
    private static final int SCTP = 132;

    /** No changes yet. */
    static ElementChanges none() {
        return new ElementChanges(new EnumMap<>(ElementSet.class), new EnumMap<>(ElementSet.class));
    }

    static ElementChanges between(Contents before, Contents after) {
        ElementChanges changes = none();
        surplus(before, after, changes.removed);
        surplus(after, before, changes.added);
        return changes;
    }

    /** Adds the elements that {@code these} have and {@code others} lack. */
    private static void surplus(Contents these, Contents others, Map<ElementSet, List<Element>> into) {
        these.sockets().forEach((socket, verdict) -> {
            if (others.sockets().get(socket) != verdict) {
                put(into, ElementSet.of(socket, verdict), Element.of(key(socket)));
            }
        });
        these.sources().forEach((socket, ranges) -> {
            Set<Cidr> other = others.sources().get(socket);
            if (other == null) {
                put(into, ElementSet.guarded(socket), Element.of(key(socket)));
            }
            for (Cidr range : ranges) {
                if (other == null || !other.contains(range)) {
                    put(into, ElementSet.sources(socket), Element.range(key(socket, range.network()),
                            key(socket, range.address(range.size().subtract(BigInteger.ONE)))));
                }
            }
        });
        for (ServiceSocket socket : these.eager()) {
            if (!others.eager().contains(socket)) {
                put(into, ElementSet.eager(socket), Element.of(key(socket)));
            }
        }
        for (InetAddress address : these.clusterIps()) {
            if (!others.clusterIps().contains(address)) {
                put(into, ElementSet.ofClusterIp(address), Element.of(address.getAddress()));
            }
        }
    }

    /** Adds an element to remove. */
    void remove(ElementSet set, byte[] key) {
        put(removed, set, Element.of(key));
    }

    /** Adds an element to add. */
    void add(ElementSet set, Element element) {
        put(added, set, element);
    }

    private static void put(Map<ElementSet, List<Element>> into, ElementSet set, Element element) {
        into.computeIfAbsent(set, key -> new ArrayList<>()).add(element);
    }

    /** Address, protocol and port as they are in the packet, each padded to whole words of four octets. */
    static byte[] key(ServiceSocket socket) {
        byte[] address = socket.address().ip().getAddress();
        return ByteBuffer.allocate(address.length + 2 * Integer.BYTES).put(address)
                .put((byte) number(socket.protocol())).put(new byte[3])
                .putShort((short) socket.address().port()).putShort((short) 0).array();
    }

    private static byte[] key(ServiceSocket socket, InetAddress source) {
        byte[] key = key(socket);
        byte[] address = source.getAddress();
        return ByteBuffer.allocate(key.length + address.length).put(key).put(address).array();
    }

    private static int number(Protocol protocol) {
        return switch (protocol) {
            case TCP -> TCP;
            case UDP -> UDP;
            case SCTP -> SCTP;
        };
    }

    boolean isEmpty() {
        return removed.isEmpty() && added.isEmpty();
    }

    /** An upper bound for the size of the messages about these elements. */
    int bytes() {
        return bytes(removed) + bytes(added);
    }

    private static int bytes(Map<ElementSet, List<Element>> elements) {
        return elements.entrySet().stream()
                .mapToInt(each -> NftMessages.elementsBytes(each.getValue().size(), each.getKey())).sum();
    }
}
