package io.sluice.dns.wire;

import java.util.ArrayList;
import java.util.List;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;

/** A reply in the making. Not thread-safe: one thread hands it to the next. */
public final class Reply {

    private final Query query;
    private final List<Record> answer = new ArrayList<>();
    private final List<Record> authority = new ArrayList<>(1);
    private final List<Record> additional = new ArrayList<>();
    private int rcode = Rcode.NOERROR;
    private boolean authoritative;
    private boolean recursionAvailable;
    private boolean truncated;

    /** An empty reply: NOERROR, not authoritative. */
    public Reply(Query query) {
        this.query = query;
    }

    /** The query that it replies to. */
    public Query query() {
        return query;
    }

    /** The answer section; callers add records. */
    public List<Record> answer() {
        return answer;
    }

    /** The authority section; callers add records. */
    public List<Record> authority() {
        return authority;
    }

    /** The additional section; callers add records. */
    public List<Record> additional() {
        return additional;
    }

    /** The code of the response. */
    public int rcode() {
        return rcode;
    }

    /** Sets the code of the response. */
    public Reply rcode(int value) {
        rcode = value;
        return this;
    }

    /** Whether AA is set. */
    public boolean authoritative() {
        return authoritative;
    }

    /** Sets AA. */
    public Reply authoritative(boolean value) {
        authoritative = value;
        return this;
    }

    /** Whether RA is set. */
    public boolean recursionAvailable() {
        return recursionAvailable;
    }

    /** Sets RA. */
    public Reply recursionAvailable(boolean value) {
        recursionAvailable = value;
        return this;
    }

    /** Whether records are missing already. */
    public boolean truncated() {
        return truncated;
    }

    /** Sets TC even if all records fit. */
    public Reply truncated(boolean value) {
        truncated = value;
        return this;
    }

    /** Removes all records. */
    public Reply clear() {
        answer.clear();
        authority.clear();
        additional.clear();
        return this;
    }
}
