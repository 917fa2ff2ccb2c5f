package io.sluice.nftables;

import io.sluice.netlink.Conntrack;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.util.Collection;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Those of the network namespace of this process. */
final class HostNetfilter implements Netfilter {

    private static final Logger LOG = LoggerFactory.getLogger(HostNetfilter.class);

    private final MarkRouting routing = new MarkRouting(PacketMarks.SLUICE);

    @Override
    public Requests open() throws IOException {
        return NftSocket.open();
    }

    @Override
    public int provideRoutes(Collection<IpFamily> families) throws IOException {
        return routing.provide(families);
    }

    @Override
    public int removeRoutes() throws IOException {
        return routing.remove();
    }

    @Override
    public Optional<OwnedTable> presence() throws IOException {
        return OwnedTable.create(PacketMarks.SLUICE);
    }

    @Override
    public int handed() {
        PacketMarks marks = PacketMarks.SLUICE;
        try (Conntrack kernel = Conntrack.open()) {
            int[] open = {0};
            kernel.list(marks.handed(), marks.pending(), one -> open[0] += one.isOpen() ? 1 : 0);
            return open[0];
        } catch (IOException e) {
            LOG.debug("the kernel cannot be asked for the connections that it has: {}", e.getMessage());
            return 0;
        }
    }

    /**
     * Those that the proxy has served have ended, or end now. Where conntrack has not seen that, a client that uses its port
     * again would not be led to an endpoint by whoever serves next: address translation is decided once for a connection.
     * Those that the kernel has led, or was given, go on.
     */
    @Override
    public void forgetServed() {
        forget(PacketMarks.SLUICE.connection(), PacketMarks.SLUICE.direct());
        forget(PacketMarks.SLUICE.upstream(), PacketMarks.SLUICE.direct());
    }

    /** Those with one of {@code bits}, and none of {@code without}. */
    static void forget(int bits, int without) {
        try (Conntrack kernel = Conntrack.open()) {
            kernel.forget(bits, without);
        } catch (IOException e) {
            LOG.debug("they are forgotten when they expire: {}", e.getMessage());
        }
    }
}
