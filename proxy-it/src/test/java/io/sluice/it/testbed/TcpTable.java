package io.sluice.it.testbed;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** The kernel's IPv4 connections and listeners, from {@code /proc/net/tcp} and, for mapped addresses, {@code tcp6}. */
public final class TcpTable {

    private static final String ESTABLISHED = "01";
    private static final String SYN_SENT = "02";
    private static final String LISTEN = "0A";

    private static final String KEEPALIVE = "02";

    private record Row(String local, String remote, String state, String timer, long sendQueue, long receiveQueue,
            long inode) {}

    private TcpTable() {}

    /** The inode of the socket that listens at {@code address}: another number is another socket; -1 for none. */
    public static long listenerInode(InetSocketAddress address) throws IOException {
        String key = key(address.getAddress(), address.getPort());
        return rows().stream().filter(row -> row.state().equals(LISTEN) && row.local().equals(key))
                .mapToLong(Row::inode).findFirst().orElse(-1);
    }

    /** How many sockets have a connection under way to {@code address} that is not answered. */
    public static long connectingTo(InetSocketAddress address) throws IOException {
        String key = key(address.getAddress(), address.getPort());
        return rows().stream().filter(row -> row.state().equals(SYN_SENT) && row.remote().equals(key)).count();
    }

    /** How many sockets are connected to {@code address}. */
    public static long connectedTo(InetSocketAddress address) throws IOException {
        String key = key(address.getAddress(), address.getPort());
        return rows().stream().filter(row -> row.state().equals(ESTABLISHED) && row.remote().equals(key)).count();
    }

    /** How many of the sockets connected to {@code address} will probe it when it is silent: SO_KEEPALIVE, socket(7). */
    public static long keptAliveTo(InetSocketAddress address) throws IOException {
        String key = key(address.getAddress(), address.getPort());
        return rows().stream().filter(row -> row.state().equals(ESTABLISHED) && row.remote().equals(key)
                && row.timer().equals(KEEPALIVE)).count();
    }

    /** Bytes that {@code socket} has sent and its peer, a socket of this machine, has not read yet. */
    public static long unreadByPeerOf(Socket socket) throws IOException {
        String own = key(socket.getLocalAddress(), socket.getLocalPort());
        String peer = key(socket.getInetAddress(), socket.getPort());
        return rows().stream().mapToLong(row -> {
            if (row.local().equals(own) && row.remote().equals(peer)) {
                return row.sendQueue();
            }
            return row.local().equals(peer) && row.remote().equals(own) ? row.receiveQueue() : 0;
        }).sum();
    }

    /** For each connection at {@code local}, the bytes it has to send or to have acknowledged. */
    public static List<Long> sendQueuesAt(InetSocketAddress local) throws IOException {
        String key = key(local.getAddress(), local.getPort());
        return rows().stream().filter(row -> row.state().equals(ESTABLISHED) && row.local().equals(key))
                .map(Row::sendQueue).toList();
    }

    private static List<Row> rows() throws IOException {
        List<Row> rows = new ArrayList<>();
        for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
            Path path = Path.of(table);
            if (Files.exists(path)) {
                for (String line : Files.readAllLines(path)) {
                    String[] columns = line.strip().split("\\s+", -1);
                    if (columns.length > 9 && columns[0].endsWith(":")) {
                        String[] queues = columns[4].split(":", -1);
                        rows.add(new Row(ipv4(columns[1]), ipv4(columns[2]), columns[3],
                                columns[5].substring(0, 2), Long.parseLong(queues[0], 16),
                                Long.parseLong(queues[1], 16),
                                Long.parseLong(columns[9])));
                    }
                }
            }
        }
        return rows;
    }

    /** An IPv4-mapped address counts as IPv4. */
    private static String ipv4(String address) {
        return address.indexOf(':') == 32 ? address.substring(24) : address;
    }

    private static String key(InetAddress ip, int port) {
        byte[] a = ip.getAddress();
        return HexFormat.of().withUpperCase().formatHex(new byte[] {a[3], a[2], a[1], a[0]}) + ":"
                + HexFormat.of().withUpperCase().toHexDigits((short) port);
    }
}
