package io.sluice.dns.server;

import io.netty.channel.Channel;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** One address, or one socket that its caller has bound, at which DNS is answered. Any thread. */
public final class DnsListener {

    private final InetSocketAddress address;
    private final List<Channel> channels;

    DnsListener(InetSocketAddress address, List<Channel> channels) {
        this.address = address;
        this.channels = List.copyOf(channels);
    }

    /** The address that it listens on, with the port that the kernel chose if none was given. */
    public InetSocketAddress address() {
        return address;
    }

    /** Stops listening; open TCP connections go on until they are idle. */
    public CompletionStage<Void> close() {
        return CompletableFuture.allOf(channels.stream().map(channel -> {
            CompletableFuture<Void> closed = new CompletableFuture<>();
            channel.close().addListener(future -> closed.complete(null));
            return closed;
        }).toArray(CompletableFuture<?>[]::new));
    }
}
