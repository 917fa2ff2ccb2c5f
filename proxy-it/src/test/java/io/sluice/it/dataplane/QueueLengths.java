package io.sluice.it.dataplane;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;

/** What the kernel holds for sockets of this machine, from {@code /proc/net/tcp} and {@code tcp6}. */
final class QueueLengths {

    private QueueLengths() {}

    /** Bytes that {@code socket} has sent and its peer, a socket of this machine, has not read yet. */
    static long unreadByPeerOf(Socket socket) throws IOException {
        String peerLocal = key(socket.getInetAddress(), socket.getPort());
        String peerRemote = key(socket.getLocalAddress(), socket.getLocalPort());
        long unread = 0;
        for (String table : new String[] {"/proc/net/tcp", "/proc/net/tcp6"}) {
            for (String line : Files.readAllLines(Path.of(table))) {
                String[] columns = line.strip().split("\\s+", -1);
                if (columns.length > 4 && shorten(columns[1]).equals(peerLocal)
                        && shorten(columns[2]).equals(peerRemote)) {
                    unread += Long.parseLong(columns[4].substring(9), 16);
                }
                if (columns.length > 4 && shorten(columns[1]).equals(peerRemote)
                        && shorten(columns[2]).equals(peerLocal)) {
                    unread += Long.parseLong(columns[4].substring(0, 8), 16);
                }
            }
        }
        return unread;
    }

    /** IPv4-mapped addresses count as IPv4. */
    private static String shorten(String address) {
        int colon = address.indexOf(':');
        return colon == 32 ? address.substring(24) : address;
    }

    private static String key(InetAddress ip, int port) {
        byte[] a = ip.getAddress();
        return HexFormat.of().withUpperCase().formatHex(new byte[] {a[3], a[2], a[1], a[0]}) + ":"
                + String.format("%04X", port);
    }
}
