package io.sluice.nftables;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import java.io.IOException;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A table {@code inet sluice-…} that lives no longer than this process: the kernel removes it when the process ends, however
 * it ends (nft(8), {@code flags owner}; Linux 5.12). It tells the table {@code inet sluice}, which stays, that a proxy
 * serves: conntrack decides on the address translation of this node's own connections before it is known whether a socket
 * listens.
 *
 * <p>Before the output chain of {@code inet sluice} it marks the first packet of each connection with both
 * {@link PacketMarks#own} and {@link PacketMarks#route}, which no packet of this node's processes has else; after that chain
 * it takes the marks back from packets that still have both. Even where the other table is gone, routing passes over such
 * packets ({@link MarkRouting}).
 */
final class OwnedTable implements Netfilter.Presence {

    private static final Logger LOG = LoggerFactory.getLogger(OwnedTable.class);
    private static final String PREFIX = InterceptionTable.NAME + "-";
    private static final int RANDOM_BYTES = 4;
    private static final int BYTES = 4096;
    private static final SecureRandom RANDOM = new SecureRandom();

    private final NftSocket socket;
    private final String name;
    private final PacketMarks marks;
    private boolean saysSo;

    private OwnedTable(NftSocket socket, String name, PacketMarks marks) {
        this.socket = socket;
        this.name = name;
        this.marks = marks;
    }

    /** Makes one that says nothing yet; empty on a kernel that has no such tables. */
    static Optional<OwnedTable> create(PacketMarks marks) throws IOException {
        byte[] random = new byte[RANDOM_BYTES];
        RANDOM.nextBytes(random); // a process ID says nothing beyond its namespace
        OwnedTable made = new OwnedTable(NftSocket.open(), PREFIX + HexFormat.of().formatHex(random), marks);
        try {
            made.batch(batch -> batch.ownedTable(made.name));
            return Optional.of(made);
        } catch (IOException e) {
            made.close();
            if (e instanceof ErrnoException refused && refused.errno() == Errno.EOPNOTSUPP) {
                LOG.info("while no proxy listens, connections of this node's own processes to Services are refused: {}",
                        e.getMessage());
                return Optional.empty();
            }
            throw e;
        }
    }

    /**
     * Says from now on that a proxy serves. To be called when {@code inet sluice} leads to this process: that may be a table
     * of an earlier one, which leads to sockets that nobody has.
     */
    @Override
    public void serving() throws IOException {
        if (saysSo) {
            return;
        }
        int both = marks.own() | marks.route();
        batch(out -> {
            out.baseChain(name, "mark", "filter", NftMessages.LOCAL_OUT, InterceptionRules.OUTPUT_PRIORITY - 1);
            out.baseChain(name, "unmark", "filter", NftMessages.LOCAL_OUT, InterceptionRules.OUTPUT_PRIORITY + 1);
            out.rule(name, "mark", rule -> rule.notMarked(both).original().firstPacket().mark(both));
            out.rule(name, "unmark", rule -> rule.markedBoth(both).original().firstPacket().unmark(both));
        });
        saysSo = true;
    }

    private void batch(Consumer<NftMessages> messages) throws IOException {
        NftMessages batch = new NftMessages(BYTES);
        batch.beginBatch();
        messages.accept(batch);
        batch.endBatch();
        socket.batch(batch);
    }

    /** Removes the table. */
    @Override
    public void close() throws IOException {
        socket.close();
    }
}
