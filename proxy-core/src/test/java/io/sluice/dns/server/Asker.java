package io.sluice.dns.server;

import io.sluice.dns.DnsMessages;
import io.sluice.dns.zone.Zone;
import java.io.IOException;
import java.util.Random;
import org.xbill.DNS.Message;

/** Asks a zone, and tells what it heard in a line or two. */
public final class Asker {

    private final Zone zone;
    private final Responder responder;

    public Asker(Zone zone, boolean upstream) {
        this.zone = zone;
        this.responder = new Responder(upstream, 1_232);
    }

    Resolution outcome(String name, String type) {
        return responder.answer(zone, DnsMessages.query(name, type).toWire(), false, new Random(1));
    }

    byte[] answer(byte[] octets, boolean stream) {
        return responder.answer(zone, octets, stream, new Random(1)) instanceof Resolution.Answered answered
                ? answered.octets()
                : null;
    }

    public Message ask(Message query, boolean stream) throws IOException {
        return new Message(answer(query.toWire(), stream));
    }

    public Message ask(String name, String type) throws IOException {
        return ask(DnsMessages.query(name, type), false);
    }
}
