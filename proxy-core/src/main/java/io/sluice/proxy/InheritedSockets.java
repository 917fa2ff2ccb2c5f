package io.sluice.proxy;

import io.netty.channel.epoll.LinuxSocket;
import io.sluice.linux.SocketOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Listening sockets of the old process, by their address, until a listener uses them. Any thread. */
final class InheritedSockets {

    private static final Logger LOG = LoggerFactory.getLogger(InheritedSockets.class);

    private final Map<InetSocketAddress, Integer> byAddress = new ConcurrentHashMap<>();

    /** Adds one that is bound to {@code address}; of two at one address the last stays. */
    void add(InetSocketAddress address, int descriptor) {
        Integer twin = byAddress.put(address, descriptor);
        if (twin != null) {
            discard(twin);
        }
    }

    /** Takes the one at {@code address}, or {@link NativeListener#NOT_INHERITED}. */
    int take(InetSocketAddress address) {
        Integer descriptor = byAddress.remove(address);
        return descriptor == null ? NativeListener.NOT_INHERITED : descriptor;
    }

    /** Where one at {@code address} is that intercepts; a node port of an old process that did not intercept is none. */
    Optional<InetSocketAddress> intercepting(InetAddress address) {
        return byAddress.entrySet().stream()
                .filter(socket -> socket.getKey().getAddress().equals(address) && isMarked(socket.getValue()))
                .map(Map.Entry::getKey).findFirst();
    }

    private static boolean isMarked(int descriptor) {
        try {
            return LinuxSocket.newSocket(descriptor)
                    .getIntOpt(SocketOptions.SOL_SOCKET, SocketOptions.SO_MARK) != 0;
        } catch (IOException e) {
            LOG.debug("an inherited socket does not show its options: {}", e.getMessage());
            return false;
        }
    }

    /** Closes all that are left; returns their number. */
    int discardAll() {
        int left = byAddress.size();
        byAddress.values().forEach(InheritedSockets::discard);
        byAddress.clear();
        return left;
    }

    /** Closes one. */
    static void discard(int descriptor) {
        try {
            LinuxSocket.newSocket(descriptor).close();
        } catch (IOException e) {
            LOG.debug("closing an inherited socket: {}", e.getMessage());
        }
    }
}
