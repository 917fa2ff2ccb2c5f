package io.sluice.netlink;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The answer of sock_diag about a socket. */
class TcpSocketsFuzz {

    @FuzzTest(maxDuration = "10m")
    void an_answer_has_figures_of_a_connection_or_none(byte[] datagram) {
        TcpSockets.info(ByteBuffer.allocateDirect(datagram.length).put(datagram).flip().order(ByteOrder.nativeOrder()));
    }
}
