package io.sluice.dns.wire;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Type;

/** What an upstream server, or somebody in its name, replies to a query for the addresses of example.com. */
class UpstreamReplyFuzz {

    private static final int ID = 0x1234;
    private static final Question QUESTION =
            new Question(Name.fromConstantString("example.com."), Type.A, false, false);

    @FuzzTest(maxDuration = "10m")
    void a_reply_that_is_taken_can_be_handed_on_and_aged(byte[] octets) throws IOException {
        UpstreamMessage reply = UpstreamMessage.read(octets, ID, QUESTION);
        if (reply == null) {
            return;
        }
        assertThat(reply.lifetime()).isNotNegative();
        for (boolean edns : new boolean[] {false, true}) {
            Incoming.Accepted asked = (Incoming.Accepted) Incoming.read(QUESTION.toQuery(7, edns), 1_232, false);
            byte[] handedOn = reply.replyTo(asked.query(), 1_000_000);
            assertThat(handedOn.length).isBetween(12, 1_232);
            assertThat(handedOn[1]).isEqualTo((byte) 7);
            if (reply.parsed(0) != null) {
                new Message(handedOn);
            }
        }
    }
}
