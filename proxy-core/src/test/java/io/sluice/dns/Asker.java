package io.sluice.dns;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import java.util.TreeSet;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** Asks a zone, and tells what it heard in a line or two. */
final class Asker {

    private final Zone zone;
    private final Responder responder;

    Asker(Zone zone, boolean upstream) {
        this.zone = zone;
        this.responder = new Responder(upstream);
    }

    Outcome outcome(String name, String type) {
        return responder.answer(zone, query(name, type).toWire(), false, new Random(1));
    }

    byte[] answer(byte[] octets, boolean stream) {
        return responder.answer(zone, octets, stream, new Random(1)) instanceof Outcome.Answered answered
                ? answered.octets()
                : null;
    }

    Message ask(Message query, boolean stream) throws IOException {
        return new Message(answer(query.toWire(), stream));
    }

    Message ask(String name, String type) throws IOException {
        return ask(query(name, type), false);
    }

    static Message query(String name, String type) {
        try {
            return Message.newQuery(Record.newRecord(Name.fromString(name, Name.root), Type.value(type), DClass.IN));
        } catch (IOException e) {
            throw new IllegalArgumentException(name, e);
        }
    }

    static Message edns(Message query, int size, int version, int flags) {
        query.addRecord(new OPTRecord(size, 0, version, flags), Section.ADDITIONAL);
        return query;
    }

    /**
     * The answer section as {@code TYPE data} in alphabetical order, or the rcode; then {@code +SOA} of the authority
     * section and {@code aa}.
     */
    static String brief(Message reply) {
        TreeSet<String> records = new TreeSet<>();
        reply.getSection(Section.ANSWER)
                .forEach(record -> records.add(Type.string(record.getType()) + ' ' + record.rdataToString()));
        StringBuilder text = new StringBuilder();
        if (reply.getRcode() != Rcode.NOERROR || records.isEmpty()) {
            text.append(reply.getRcode() == Rcode.NOERROR ? "NODATA" : Rcode.string(reply.getRcode()));
        }
        records.forEach(record -> text.append(text.isEmpty() ? "" : "; ").append(record));
        reply.getSection(Section.AUTHORITY).forEach(record -> text.append(" +").append(Type.string(record.getType()))
                .append(' ').append(record.getName()));
        return text.append(reply.getHeader().getFlag(Flags.AA) ? " aa" : "").toString();
    }

    static byte[] octets(int... values) {
        byte[] octets = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            octets[i] = (byte) values[i];
        }
        return octets;
    }

    static byte[] concat(byte[]... parts) {
        int length = Arrays.stream(parts).mapToInt(part -> part.length).sum();
        byte[] all = new byte[length];
        int at = 0;
        for (byte[] part : parts) {
            System.arraycopy(part, 0, all, at, part.length);
            at += part.length;
        }
        return all;
    }
}
