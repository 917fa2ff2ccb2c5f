package io.sluice.dns;

import java.io.IOException;
import java.util.Arrays;
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

/** DNS messages of tests: made, put together of octets, and told in a line. */
public final class DnsMessages {

    private DnsMessages() {}

    public static Message query(String name, String type) {
        try {
            return Message.newQuery(Record.newRecord(Name.fromString(name, Name.root), Type.value(type), DClass.IN));
        } catch (IOException e) {
            throw new IllegalArgumentException(name, e);
        }
    }

    public static Message edns(Message query, int size, int version, int flags) {
        query.addRecord(new OPTRecord(size, 0, version, flags), Section.ADDITIONAL);
        return query;
    }

    /**
     * The answer section as {@code TYPE data} in alphabetical order, or the rcode; then {@code +SOA} of the authority
     * section and {@code aa}.
     */
    public static String brief(Message reply) {
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

    public static byte[] octets(int... values) {
        byte[] octets = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            octets[i] = (byte) values[i];
        }
        return octets;
    }

    public static byte[] concat(byte[]... parts) {
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
