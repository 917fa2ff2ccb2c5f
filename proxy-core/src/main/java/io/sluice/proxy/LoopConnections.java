package io.sluice.proxy;

import io.netty.channel.EventLoop;
import io.sluice.connection.ConnectFailure;
import io.sluice.connection.ConnectionLimits;
import io.sluice.metrics.AccessLog;
import io.sluice.service.EndpointAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The connections that one event loop owns, and what they share. Lives on that event loop. */
final class LoopConnections {

    private final DataPath dataPath;
    private final EventLoop eventLoop;
    private final Set<ProxiedConnection> connections = new HashSet<>();

    LoopConnections(DataPath dataPath, EventLoop eventLoop) {
        this.dataPath = dataPath;
        this.eventLoop = eventLoop;
    }

    EventLoop eventLoop() {
        return eventLoop;
    }

    EventLoops loops() {
        return dataPath.loops();
    }

    ConnectionLimits limits() {
        return dataPath.limits();
    }

    AccessLog accessLog() {
        return dataPath.accessLog();
    }

    /** Nanoseconds since the data path started. */
    long now() {
        return dataPath.now();
    }

    void begin(ProxiedConnection connection) {
        connections.add(connection);
        connection.start();
    }

    void ended(ProxiedConnection connection) {
        connections.remove(connection);
        dataPath.release(connection.port());
    }

    void localFault(ConnectFailure failure, @Nullable EndpointAddress endpoint) {
        dataPath.localFault(failure, endpoint);
    }

    /** At most {@code limit} of them. */
    List<ConnectionView> views(int limit) {
        List<ConnectionView> views = new ArrayList<>(Math.min(limit, connections.size()));
        for (ProxiedConnection connection : connections) {
            if (views.size() == limit) {
                break;
            }
            views.add(connection.view());
        }
        return views;
    }

    void drain(long deadline) {
        List.copyOf(connections).forEach(c -> c.drain(deadline));
    }

    void kill() {
        List.copyOf(connections).forEach(ProxiedConnection::kill);
    }
}
