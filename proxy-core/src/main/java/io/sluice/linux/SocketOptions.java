package io.sluice.linux;

/**
 * The numbers of socket(2), its options and its calls, with the names of the manual's pages socket(7), ip(7), tcp(7),
 * unix(7) and netlink(7); those that x86-64 and arm64 share.
 */
public final class SocketOptions {

    public static final int AF_UNIX = 1;
    public static final int AF_INET = 2;
    public static final int AF_INET6 = 10;
    public static final int AF_NETLINK = 16;

    public static final int SOCK_STREAM = 1;
    public static final int SOCK_DGRAM = 2;
    public static final int SOCK_RAW = 3;
    public static final int SOCK_SEQPACKET = 5;
    public static final int SOCK_NONBLOCK = 0x800;
    public static final int SOCK_CLOEXEC = 0x80000;

    public static final int SOL_SOCKET = 1;
    public static final int SO_REUSEADDR = 2;
    public static final int SO_TYPE = 3;
    public static final int SO_ERROR = 4;
    public static final int SO_RCVBUF = 8;
    public static final int SO_KEEPALIVE = 9;
    public static final int SO_LINGER = 13;
    public static final int SO_PEERCRED = 17;
    public static final int SO_RCVTIMEO = 20;
    public static final int SO_SNDTIMEO = 21;
    public static final int SO_ACCEPTCONN = 30;
    public static final int SO_SNDBUFFORCE = 32;
    public static final int SO_RCVBUFFORCE = 33;
    public static final int SO_MARK = 36;
    public static final int SO_DOMAIN = 39;

    public static final int IPPROTO_IP = 0;
    public static final int IPPROTO_IPV6 = 41;
    public static final int IPV6_V6ONLY = 26;
    /** linux/netfilter_ipv4.h; IPv6 has the same number. */
    public static final int SO_ORIGINAL_DST = 80;
    /** Holds for IPv6 sockets as well. */
    public static final int IP_FREEBIND = 15;
    /** Holds for IPv6 sockets as well. */
    public static final int IP_TRANSPARENT = 19;
    /** The option; the control message has the same number. */
    public static final int IP_RECVORIGDSTADDR = 20;

    /** The option; the control message has the same number. */
    public static final int IPV6_RECVORIGDSTADDR = 74;
    public static final int IPV6_TRANSPARENT = 75;

    public static final int IPPROTO_TCP = 6;
    public static final int TCP_NODELAY = 1;
    public static final int TCP_KEEPIDLE = 4;
    public static final int TCP_KEEPINTVL = 5;
    public static final int TCP_KEEPCNT = 6;
    public static final int TCP_INFO = 11;
    public static final int TCP_REPAIR = 19;
    public static final int TCP_REPAIR_QUEUE = 20;
    public static final int TCP_QUEUE_SEQ = 21;
    public static final int TCP_NOTSENT_LOWAT = 25;
    /** A value of {@link #TCP_REPAIR}: without a window probe. */
    public static final int TCP_REPAIR_OFF_NO_WP = -1;
    /** Values of {@link #TCP_REPAIR_QUEUE}. */
    public static final int TCP_RECV_QUEUE = 1;
    public static final int TCP_SEND_QUEUE = 2;
    /** A state of a connection, the first byte of {@link #TCP_INFO}. */
    public static final byte TCP_CLOSE = 7;

    public static final int SOL_UDP = 17;
    /** Of a control message: how long each datagram is that the bytes are to be cut into. */
    public static final int UDP_SEGMENT = 103;

    public static final int SOL_NETLINK = 270;
    public static final int NETLINK_CAP_ACK = 10;
    public static final int NETLINK_GET_STRICT_CHK = 12;

    public static final int MSG_PEEK = 0x2;
    public static final int MSG_CTRUNC = 0x8;
    public static final int MSG_TRUNC = 0x20;
    public static final int MSG_DONTWAIT = 0x40;
    public static final int MSG_WAITALL = 0x100;
    public static final int MSG_NOSIGNAL = 0x4000;
    public static final int MSG_CMSG_CLOEXEC = 0x4000_0000;

    /** Of a control message: descriptors. */
    public static final int SCM_RIGHTS = 1;

    public static final int SHUT_RD = 0;
    public static final int SHUT_WR = 1;

    private SocketOptions() {}
}
