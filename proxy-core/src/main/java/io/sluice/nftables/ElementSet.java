package io.sluice.nftables;

import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.util.List;

/** The sets and maps of the table, one of each kind for each address family. */
enum ElementSet {
    SERVED4("served4", IpFamily.IPV4, Key.SOCKET, Data.NONE),
    SERVED6("served6", IpFamily.IPV6, Key.SOCKET, Data.NONE),
    REFUSED4("refused4", IpFamily.IPV4, Key.SOCKET, Data.NONE),
    REFUSED6("refused6", IpFamily.IPV6, Key.SOCKET, Data.NONE),
    DROPPED4("dropped4", IpFamily.IPV4, Key.SOCKET, Data.NONE),
    DROPPED6("dropped6", IpFamily.IPV6, Key.SOCKET, Data.NONE),
    /** Served for pods and this node alone. */
    INSIDE4("inside4", IpFamily.IPV4, Key.SOCKET, Data.NONE),
    INSIDE6("inside6", IpFamily.IPV6, Key.SOCKET, Data.NONE),
    /** Sockets that are for some clients. */
    GUARDED4("guarded4", IpFamily.IPV4, Key.SOCKET, Data.NONE),
    GUARDED6("guarded6", IpFamily.IPV6, Key.SOCKET, Data.NONE),
    /** Those clients. */
    SOURCES4("sources4", IpFamily.IPV4, Key.SOCKET_AND_SOURCES, Data.NONE),
    SOURCES6("sources6", IpFamily.IPV6, Key.SOCKET_AND_SOURCES, Data.NONE),
    CLUSTER_IPS4("cluster-ips4", IpFamily.IPV4, Key.ADDRESS, Data.NONE),
    CLUSTER_IPS6("cluster-ips6", IpFamily.IPV6, Key.ADDRESS, Data.NONE),
    /** The number of endpoints of a socket's {@link DirectWay}. */
    DIRECT4("direct4", IpFamily.IPV4, Key.SOCKET, Data.NUMBER),
    DIRECT6("direct6", IpFamily.IPV6, Key.SOCKET, Data.NUMBER),
    /** Each of these endpoints, by socket and index. */
    ENDPOINTS4("endpoints4", IpFamily.IPV4, Key.NUMBERED_SOCKET, Data.ENDPOINT),
    ENDPOINTS6("endpoints6", IpFamily.IPV6, Key.NUMBERED_SOCKET, Data.ENDPOINT),
    /** Sockets whose endpoints do not see the client. */
    MASQUERADED4("masqueraded4", IpFamily.IPV4, Key.SOCKET, Data.NONE),
    MASQUERADED6("masqueraded6", IpFamily.IPV6, Key.SOCKET, Data.NONE),
    /** Sockets whose connections are handed to the kernel as soon as an endpoint is connected. */
    EAGER4("eager4", IpFamily.IPV4, Key.SOCKET, Data.NONE),
    EAGER6("eager6", IpFamily.IPV6, Key.SOCKET, Data.NONE),
    /** Pairs of an endpoint's address with itself: a client that the kernel has forwarded to itself. */
    HAIRPINS4("hairpins4", IpFamily.IPV4, Key.PAIR, Data.NONE),
    HAIRPINS6("hairpins6", IpFamily.IPV6, Key.PAIR, Data.NONE);

    /** nft's numbers for the types of keys, six bits each; the kernel stores them, and nft prints elements by them. */
    private static final int IPV4_ADDR = 7;
    private static final int IPV6_ADDR = 8;
    private static final int INET_PROTO = 12;
    private static final int INET_SERVICE = 13;
    private static final int MARK = 19;
    private static final int TYPE_BITS = 6;
    /** Each part of a key takes whole words. */
    private static final int WORD_BYTES = 4;

    /** The type of an element's key. */
    private enum Key {
        ADDRESS,
        PAIR,
        SOCKET,
        NUMBERED_SOCKET,
        /** The last part is a range. */
        SOCKET_AND_SOURCES
    }

    /** The type of an element's value. */
    private enum Data {
        NONE,
        NUMBER,
        ENDPOINT
    }

    private final String label;
    private final IpFamily family;
    private final Key key;
    private final Data data;

    ElementSet(String label, IpFamily family, Key key, Data data) {
        this.label = label;
        this.family = family;
        this.key = key;
        this.data = data;
    }

    static ElementSet of(ServiceSocket socket, Verdict verdict) {
        IpFamily family = socket.address().family();
        return switch (verdict) {
            case PROXY -> of(family, SERVED4, SERVED6);
            case PROXY_INSIDE -> of(family, INSIDE4, INSIDE6);
            case REFUSE -> of(family, REFUSED4, REFUSED6);
            case DROP -> of(family, DROPPED4, DROPPED6);
        };
    }

    static ElementSet guarded(ServiceSocket socket) {
        return of(socket.address().family(), GUARDED4, GUARDED6);
    }

    static ElementSet sources(ServiceSocket socket) {
        return of(socket.address().family(), SOURCES4, SOURCES6);
    }

    static ElementSet eager(ServiceSocket socket) {
        return of(socket.address().family(), EAGER4, EAGER6);
    }

    static ElementSet ofClusterIp(InetAddress address) {
        return of(IpFamily.of(address), CLUSTER_IPS4, CLUSTER_IPS6);
    }

    static ElementSet of(IpFamily family, ElementSet four, ElementSet six) {
        return family == IpFamily.IPV4 ? four : six;
    }

    /** Its name in the table. */
    String label() {
        return label;
    }

    IpFamily family() {
        return family;
    }

    boolean isMap() {
        return data != Data.NONE;
    }

    /** The octets of each part of a key with a range; empty for others, which the kernel need not take apart. */
    List<Integer> parts() {
        return key == Key.SOCKET_AND_SOURCES ? List.of(addressBytes(), 1, 2, addressBytes()) : List.of();
    }

    boolean isRanges() {
        return !parts().isEmpty();
    }

    int keyType() {
        int socket = (addressType() << TYPE_BITS | INET_PROTO) << TYPE_BITS | INET_SERVICE;
        return switch (key) {
            case ADDRESS -> addressType();
            case PAIR -> addressType() << TYPE_BITS | addressType();
            case SOCKET -> socket;
            case NUMBERED_SOCKET -> socket << TYPE_BITS | MARK;
            case SOCKET_AND_SOURCES -> socket << TYPE_BITS | addressType();
        };
    }

    int keyBytes() {
        return switch (key) {
            case ADDRESS -> addressBytes();
            case PAIR -> 2 * addressBytes();
            case SOCKET -> addressBytes() + 2 * WORD_BYTES;
            case NUMBERED_SOCKET -> addressBytes() + 3 * WORD_BYTES;
            case SOCKET_AND_SOURCES -> 2 * addressBytes() + 2 * WORD_BYTES;
        };
    }

    int dataType() {
        return switch (data) {
            case NONE -> 0;
            case NUMBER -> MARK;
            case ENDPOINT -> addressType() << TYPE_BITS | INET_SERVICE;
        };
    }

    int dataBytes() {
        return switch (data) {
            case NONE -> 0;
            case NUMBER -> WORD_BYTES;
            case ENDPOINT -> addressBytes() + WORD_BYTES;
        };
    }

    private int addressType() {
        return family == IpFamily.IPV4 ? IPV4_ADDR : IPV6_ADDR;
    }

    private int addressBytes() {
        return family == IpFamily.IPV4 ? 4 : 16;
    }
}
