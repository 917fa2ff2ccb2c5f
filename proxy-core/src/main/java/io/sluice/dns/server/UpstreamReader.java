package io.sluice.dns.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;

/** Reads the upstreams, also again later: a file like resolv.conf changes with the network. May block. */
public interface UpstreamReader {

    /**
     * The result of a read.
     *
     * @param servers in the order in which they are asked
     * @param without files that name no server
     */
    record Read(List<InetSocketAddress> servers, List<String> without) {
        public Read {
            servers = List.copyOf(servers);
            without = List.copyOf(without);
        }
    }

    /**
     * Reads the upstreams.
     *
     * @throws IOException if a file cannot be read; the message is for the user
     */
    Read read() throws IOException;
}
