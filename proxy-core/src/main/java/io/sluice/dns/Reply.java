package io.sluice.dns;

import java.util.ArrayList;
import java.util.List;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;

/** A reply that is being put together. Not thread-safe: it passes from hand to hand. */
final class Reply {

    private final Query query;
    private final List<Record> answer = new ArrayList<>();
    private final List<Record> authority = new ArrayList<>(1);
    private final List<Record> additional = new ArrayList<>();
    private int rcode = Rcode.NOERROR;
    private boolean authoritative;
    private boolean recursionAvailable;

    Reply(Query query) {
        this.query = query;
    }

    Query query() {
        return query;
    }

    List<Record> answer() {
        return answer;
    }

    List<Record> authority() {
        return authority;
    }

    List<Record> additional() {
        return additional;
    }

    int rcode() {
        return rcode;
    }

    Reply rcode(int value) {
        rcode = value;
        return this;
    }

    boolean authoritative() {
        return authoritative;
    }

    Reply authoritative(boolean value) {
        authoritative = value;
        return this;
    }

    boolean recursionAvailable() {
        return recursionAvailable;
    }

    Reply recursionAvailable(boolean value) {
        recursionAvailable = value;
        return this;
    }

    /** Takes every record out. */
    Reply clear() {
        answer.clear();
        authority.clear();
        additional.clear();
        return this;
    }
}
