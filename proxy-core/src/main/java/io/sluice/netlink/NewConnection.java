package io.sluice.netlink;

import io.sluice.netlink.TrackedConnection.Tuple;
import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * An established TCP connection that the kernel is to track.
 *
 * @param original       as its client sees it
 * @param source         what the other side sees as its source; null for the client's own
 * @param target         where its packets go; null for where the client sends them
 * @param toTarget       added to the client's sequence numbers
 * @param toClient       added to the other side's
 * @param mark           of the connection
 * @param timeoutSeconds after which the kernel forgets it unless a packet comes
 */
public record NewConnection(Tuple original, @Nullable InetSocketAddress source, @Nullable InetSocketAddress target,
        int toTarget, int toClient, int mark, int timeoutSeconds) {}
