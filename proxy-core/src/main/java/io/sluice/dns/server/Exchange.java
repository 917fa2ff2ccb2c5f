package io.sluice.dns.server;

import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.util.function.Consumer;

/**
 * A message on its way to its answer.
 *
 * @param octets     the message as it was received
 * @param stream     whether over TCP
 * @param client     the address that asks
 * @param eventLoop  on which the message was received, and on which {@code reply} is called
 * @param receivedAt {@link System#nanoTime} at that moment
 * @param reply      takes the octets of the answer; called at most once, and not at all if there is no answer
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Exchange(byte[] octets, boolean stream, InetSocketAddress client, EventLoop eventLoop, long receivedAt,
        Consumer<byte[]> reply) {}
