package io.sluice.nftables;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A datagram of nf_tables. */
class NftRepliesFuzz {

    @FuzzTest(maxDuration = "10m")
    void replies_are_read_or_left_out(byte[] datagram) {
        NftSocket.read(ByteBuffer.wrap(datagram).order(ByteOrder.nativeOrder()), reply -> {
            for (int attribute = 0; attribute < 8; attribute++) {
                NftSocket.number(reply.body(), attribute);
                NftSocket.text(reply.body(), attribute);
            }
        });
    }
}
