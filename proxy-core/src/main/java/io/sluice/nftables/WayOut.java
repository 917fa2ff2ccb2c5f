package io.sluice.nftables;

import io.sluice.service.IpFamily;
import java.io.IOException;

/**
 * Leads all TCP connections over IPv4 that leave a network namespace of our own to one of its ports; those to addresses that are
 * local there stay what they are. Only for a namespace that has no other network: in one that has, it would take away
 * everything.
 */
public final class WayOut {

    private static final String TABLE = InterceptionTable.NAME + "-out";
    private static final String CHAIN = "out";
    private static final int PRIORITY = -100;
    private static final int BYTES = 4096;

    private WayOut() {}

    /**
     * Begins to lead them, until the namespace ends.
     *
     * @param port of 127.0.0.1
     * @throws IOException if this kernel cannot; the message says why
     */
    public static void lead(int port) throws IOException {
        NftMessages batch = new NftMessages(BYTES);
        batch.beginBatch();
        batch.table(true, TABLE);
        batch.baseChain(TABLE, CHAIN, "nat", NftMessages.LOCAL_OUT, PRIORITY);
        batch.rule(TABLE, CHAIN, rule -> rule.toThisMachine().accept());
        batch.rule(TABLE, CHAIN, rule -> rule.family(IpFamily.IPV4).tcp().redirect(port));
        batch.endBatch();
        try (NftSocket socket = NftSocket.open()) {
            socket.batch(batch);
        }
    }
}
