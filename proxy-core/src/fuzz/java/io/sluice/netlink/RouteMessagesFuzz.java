package io.sluice.netlink;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;

/** A datagram of rtnetlink. */
class RouteMessagesFuzz {

    @FuzzTest(maxDuration = "10m")
    void messages_are_read_or_left_out(byte[] datagram) {
        List<String> read = new ArrayList<>();
        RouteMessages.read(ByteBuffer.wrap(datagram).order(ByteOrder.nativeOrder()),
                message -> read.add(message.toString()));
    }
}
