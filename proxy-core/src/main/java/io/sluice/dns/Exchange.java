package io.sluice.dns;

import io.netty.channel.EventLoop;
import java.net.InetSocketAddress;
import java.util.function.Consumer;

/**
 * A message on its way to its answer.
 *
 * @param octets     as they came
 * @param stream     whether over TCP
 * @param client     who asks
 * @param eventLoop  that the message came in on, and on which {@code reply} is called
 * @param receivedAt {@link System#nanoTime} at that moment
 * @param reply      takes the octets of the answer; is called at most once, and not at all for silence
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record Exchange(byte[] octets, boolean stream, InetSocketAddress client, EventLoop eventLoop, long receivedAt,
        Consumer<byte[]> reply) {}
