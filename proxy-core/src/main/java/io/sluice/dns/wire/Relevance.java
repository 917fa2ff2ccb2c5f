package io.sluice.dns.wire;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.CNAMERecord;
import org.xbill.DNS.DClass;
import org.xbill.DNS.DNAMERecord;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;
import org.xbill.DNS.Type;

/**
 * Decides which records of an upstream's message belong to the question. An answer belongs to the name that was asked or to
 * one that its aliases lead to, and is of the type that was asked or an alias; the authority section is of a zone that has
 * one of these names. Others may be a mistake or an attempt to plant records (RFC 5452 §6). Pure.
 */
final class Relevance {

    private final Question question;
    private final Set<Name> names = new HashSet<>();
    private final List<Name> above = new ArrayList<>();

    private Relevance(Question question, List<Record> answer) {
        this.question = question;
        names.add(question.name());
        boolean more = true;
        while (more) { // aliases may be in any order
            more = false;
            for (Record record : answer) {
                if (record.getDClass() == DClass.IN && record instanceof CNAMERecord alias
                        && names.contains(record.getName())) {
                    more |= names.add(alias.getTarget());
                }
            }
        }
        for (Record record : answer) {
            if (record instanceof DNAMERecord && isAbove(record.getName())) {
                above.add(record.getName());
            }
        }
    }

    /**
     * {@code octets} without records that do not belong to {@code question}, and without OPT; null if all belong to it and
     * their names may go on under another header.
     *
     * @throws IOException if a record is malformed
     */
    static byte @Nullable [] withoutStrangers(byte[] octets, Question question) throws IOException {
        Message message = parsed(octets);
        Relevance relevance = new Relevance(question, message.getSection(Section.ANSWER));
        Message kept = new Message();
        boolean dropped = mayPointIntoHeader(octets);
        for (int section = Section.QUESTION; section <= Section.ADDITIONAL; section++) {
            for (Record record : message.getSection(section)) {
                if (relevance.keeps(section, record)) {
                    if (record.getType() != Type.OPT) {
                        kept.addRecord(record, section);
                    }
                } else {
                    dropped = true;
                }
            }
        }
        if (!dropped) {
            return null;
        }
        byte[] less = kept.toWire();
        System.arraycopy(octets, 0, less, 0, 4); // the ID and the flags
        return less;
    }

    /**
     * Whether a name may go on in the header, which is a legal place for no name: the name would be another one with the
     * header of the reply that is handed on. Says so also of other data that looks like it.
     */
    private static boolean mayPointIntoHeader(byte[] octets) {
        for (int at = Query.HEADER; at + 1 < octets.length; at++) {
            if (octets[at] == (byte) 0xc0 && (octets[at + 1] & 0xff) < Query.HEADER) {
                return true;
            }
        }
        return false;
    }

    private static Message parsed(byte[] octets) throws IOException {
        try {
            return new Message(octets);
        } catch (RuntimeException e) {
            throw new IOException(e); // dnsjava says "malformed" in both ways
        }
    }

    private boolean keeps(int section, Record record) {
        if (section == Section.QUESTION || record.getType() == Type.OPT) {
            return true;
        }
        if (record.getDClass() != DClass.IN) {
            return false;
        }
        return switch (section) {
            case Section.ANSWER -> switch (record.getType()) {
                case Type.CNAME, Type.RRSIG -> names.contains(record.getName()) || above.contains(record.getName());
                case Type.DNAME -> above.contains(record.getName());
                default -> (record.getType() == question.type() || question.type() == Type.ANY)
                        && names.contains(record.getName());
            };
            case Section.AUTHORITY -> record.getType() != Type.SOA && record.getType() != Type.NS
                    || names.contains(record.getName()) || isAbove(record.getName());
            default -> true;
        };
    }

    private boolean isAbove(Name zone) {
        return names.stream().anyMatch(name -> name.subdomain(zone));
    }
}
