package io.sluice.dns.wire;

import io.sluice.dns.wire.Query.Edns;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Opcode;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/** A message from a client, checked before anything is looked up. */
public sealed interface Incoming {

    /** Length of the longest message (RFC 1035 §4.2.2). */
    int MAX_BYTES = 65_535;
    /** Length of the longest message that an IPv4 datagram can hold. */
    int MAX_UDP_BYTES = 65_507;

    /** Not answered: too short to have an ID, or itself a reply (replies to replies might never end). */
    record Ignored() implements Incoming {
        static final Ignored INSTANCE = new Ignored();
    }

    /**
     * Answered without a lookup.
     *
     * @param query null if it could not be read that far
     */
    record Rejected(int id, int flags, int rcode, @Nullable Query query) implements Incoming {}

    /** A query to look up. */
    record Accepted(Query query) implements Incoming {}

    /**
     * Reads {@code octets}: RFC 1035, RFC 6891, and RFC 9619 for the number of questions. The counts in the header are
     * checked before any record is parsed.
     *
     * @param maxBytes the longest reply; over UDP only if the client accepts as much
     * @param stream   whether it was received over TCP
     */
    static Incoming read(byte[] octets, int maxBytes, boolean stream) {
        if (octets.length < Query.HEADER) {
            return Ignored.INSTANCE;
        }
        int id = u16(octets, 0);
        int flags = u16(octets, 2);
        if ((flags & Query.QR) != 0) {
            return Ignored.INSTANCE;
        }
        if ((flags >> 11 & 15) != Opcode.QUERY) {
            return new Rejected(id, flags, Rcode.NOTIMP, null);
        }
        if (u16(octets, 4) != 1 || u16(octets, 6) > 1 || u16(octets, 8) > 1 || u16(octets, 10) > 2) {
            return new Rejected(id, flags, Rcode.FORMERR, null);
        }
        try {
            return parsed(octets, id, flags, maxBytes, stream);
        } catch (IOException | RuntimeException e) {
            // dnsjava says "malformed" in both ways; nothing else can fail here.
            return new Rejected(id, flags, Rcode.FORMERR, null);
        }
    }

    private static Incoming parsed(byte[] octets, int id, int flags, int maxBytes, boolean stream) throws IOException {
        byte[] copy = octets.clone();
        copy[2] &= ~(Query.TC >> 8); // a truncated message may end anywhere, so the parser would not complain
        ByteBuffer buffer = ByteBuffer.wrap(copy);
        Message message = new Message(buffer);
        Record question = message.getQuestion();
        Name name = question.getName();
        int end = Query.HEADER + name.length() + 4;
        // A name with a pointer into the header is shorter on the wire than in full.
        if (buffer.hasRemaining() || end > octets.length
                || !Arrays.equals(name.toWire(), Arrays.copyOfRange(octets, Query.HEADER, end - 4))) {
            return new Rejected(id, flags, Rcode.FORMERR, null);
        }
        OPTRecord opt = null;
        for (int section = Section.ANSWER; section <= Section.ADDITIONAL; section++) {
            for (Record record : message.getSection(section)) {
                if (record instanceof OPTRecord found) {
                    if (opt != null || section != Section.ADDITIONAL || !found.getName().equals(Name.root)) {
                        return new Rejected(id, flags, Rcode.FORMERR, null);
                    }
                    opt = found;
                }
            }
        }
        Edns edns = opt == null
                ? null
                : new Edns(opt.getPayloadSize(), opt.getVersion(), (opt.getFlags() & 0x8000) != 0);
        Query query = new Query(id, flags, name, question.getType(), Arrays.copyOfRange(octets, Query.HEADER, end),
                edns, stream ? maxBytes : limit(edns, maxBytes));
        if (edns != null && edns.version() != 0) {
            return new Rejected(id, flags, Rcode.BADVERS, query);
        }
        if (question.getDClass() != DClass.IN || isMeta(query.type())) {
            return new Rejected(id, flags, Rcode.REFUSED, query);
        }
        return new Accepted(query);
    }

    private static int limit(@Nullable Edns edns, int maxBytes) {
        return edns == null ? 512 : Math.clamp(edns.size(), 512, maxBytes);
    }

    /** Transfers and other types that no record has; ANY is answered. */
    private static boolean isMeta(int type) {
        return type == 0 || type == Type.OPT || type >= 128 && type <= 254;
    }

    private static int u16(byte[] octets, int at) {
        return (octets[at] & 0xff) << 8 | octets[at + 1] & 0xff;
    }
}
