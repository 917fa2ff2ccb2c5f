package io.sluice.nftables;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Writes nf_tables messages for nfnetlink one after the other (linux/netfilter/nf_tables.h): headers in host byte order,
 * attribute values in network byte order. All are of the family {@code inet}. Pure.
 *
 * <p>Messages that change anything stand between {@link #beginBatch} and {@link #endBatch}; the kernel applies them as a
 * whole or not at all. It acknowledges the last of them; to the others it replies only with errors.
 */
final class NftMessages {

    static final int NEW_TABLE = 0;
    static final int GET_TABLE = 1;
    static final int DELETE_TABLE = 2;
    private static final int NEW_CHAIN = 3;
    private static final int GET_CHAIN = 4;
    private static final int NEW_RULE = 6;
    static final int GET_RULE = 7;
    private static final int DELETE_RULE = 8;
    private static final int NEW_SET = 9;
    private static final int NEW_ELEMENTS = 12;
    private static final int DELETE_ELEMENTS = 14;
    static final int GET_GENERATION = 16;

    static final int PRE_ROUTING = 0;
    static final int LOCAL_OUT = 3;
    static final int POST_ROUTING = 4;

    private static final int BATCH_BEGIN = 0x10;
    private static final int BATCH_END = 0x11;
    private static final int SUBSYSTEM = 10;
    private static final int NFPROTO_INET = 1;
    private static final int NF_ACCEPT = 1;
    private static final int NFT_TABLE_F_OWNER = 2;
    private static final int NFT_SET_INTERVAL = 4;
    private static final int NFT_SET_MAP = 8;
    private static final int NFT_SET_CONCAT = 0x80;
    private static final int NLM_F_REQUEST = 1;
    private static final int NLM_F_ACK = 4;
    private static final int NLM_F_DUMP = 0x300;
    private static final int NLM_F_CREATE = 0x400;
    private static final int NLM_F_APPEND = 0x800;
    private static final int NLA_F_NESTED = 0x8000;
    private static final int LIST_ELEMENT = 1;
    /** The first attribute of every message is the table's name. */
    private static final int TABLE = 1;

    private static final int ATTRIBUTE_BYTES = 4;
    /** The attributes around an element's key: the list's element, the key, its value. */
    private static final int AROUND_KEY_BYTES = 3 * ATTRIBUTE_BYTES;
    /** The length of an attribute, here of the list of elements, has 16 bits. */
    private static final int LONGEST_LIST_BYTES = 0xffff - ATTRIBUTE_BYTES;
    /** An upper bound for the bytes of a message around its list of elements. */
    private static final int AROUND_LIST_BYTES = 128;

    private final ByteBuffer out;
    /** The description of each message, by its sequence number less 1, for the error that names the one that failed. */
    private final List<String> descriptions = new ArrayList<>();
    private int start;
    private boolean dump;

    /** @param bytes the size of the buffer, enough for all that will be written */
    NftMessages(int bytes) {
        this.out = ByteBuffer.allocate(bytes).order(ByteOrder.nativeOrder());
    }

    /** An upper bound for the bytes that {@link #elements} writes. */
    static int elementsBytes(int count, ElementSet set) {
        int messages = count / elementsPerMessage(set) + 1;
        return count * elementBytes(set) + messages * AROUND_LIST_BYTES;
    }

    private static int elementsPerMessage(ElementSet set) {
        return LONGEST_LIST_BYTES / elementBytes(set);
    }

    private static int elementBytes(ElementSet set) {
        return AROUND_KEY_BYTES + set.keyBytes() + (set.isRanges() ? 2 * ATTRIBUTE_BYTES + set.keyBytes() : 0)
                + (set.isMap() ? 2 * ATTRIBUTE_BYTES + set.dataBytes() : 0);
    }

    void beginBatch() {
        begin(BATCH_BEGIN, 0, 0, SUBSYSTEM, "the batch");
        end();
    }

    /** Ends the batch and asks for the acknowledgement of the message before. */
    void endBatch() {
        out.putShort(start + 6, (short) (out.getShort(start + 6) | NLM_F_ACK));
        begin(BATCH_END, 0, 0, SUBSYSTEM, "the batch's end");
        end();
    }

    /** The sequence number of the message that {@link #endBatch} has made be acknowledged. */
    int acknowledged() {
        return descriptions.size() - 1;
    }

    /** Whether a list is asked for, that has an end of its own. */
    boolean isDump() {
        return dump;
    }

    /** What is written, from position to limit. */
    ByteBuffer written() {
        return out.duplicate().order(out.order()).flip();
    }

    String description(int sequence) {
        return sequence >= 1 && sequence <= descriptions.size() ? descriptions.get(sequence - 1) : "the batch";
    }

    /** Adds a table, or does nothing if it is there; or deletes it with all that it has. */
    void table(boolean add, String table) {
        message(add ? NEW_TABLE : DELETE_TABLE, add ? NLM_F_CREATE : 0, "table " + table);
        text(TABLE, table);
        end();
    }

    /** Adds a table that the kernel removes when the socket is closed that this is sent by, and that no other may change. */
    void ownedTable(String table) {
        message(NEW_TABLE, NLM_F_CREATE, "table " + table + " (flags owner)");
        text(TABLE, table);
        number(2, NFT_TABLE_F_OWNER);
        end();
    }

    /** Removes all rules of all chains. */
    void flush(String table) {
        message(DELETE_RULE, 0, "rules of table " + table);
        text(TABLE, table);
        end();
    }

    /** Removes all elements. */
    void flush(String table, ElementSet set) {
        message(DELETE_ELEMENTS, 0, "elements of set " + set.label());
        text(TABLE, table);
        text(2, set.label());
        end();
    }

    /** Adds a chain that others jump to, or does nothing if it is there. */
    void chain(String table, String chain) {
        message(NEW_CHAIN, NLM_F_CREATE, "chain " + chain);
        text(TABLE, table);
        text(3, chain);
        end();
    }

    /** The same for one that the kernel calls at a hook; a packet that reaches its end goes on (policy accept). */
    void baseChain(String table, String chain, String type, int hook, int priority) {
        message(NEW_CHAIN, NLM_F_CREATE, "chain " + chain + " (type " + type + ")");
        text(TABLE, table);
        text(3, chain);
        int at = nest(4);
        number(1, hook);
        number(2, priority);
        unnest(at);
        number(5, NF_ACCEPT);
        text(7, type);
        end();
    }

    /** Adds a set without elements, or does nothing if it is there. */
    void set(String table, ElementSet set) {
        message(NEW_SET, NLM_F_CREATE, "set " + set.label());
        text(TABLE, table);
        text(2, set.label());
        number(3, (set.isMap() ? NFT_SET_MAP : 0) | (set.isRanges() ? NFT_SET_INTERVAL | NFT_SET_CONCAT : 0));
        number(4, set.keyType());
        number(5, set.keyBytes());
        if (set.isMap()) {
            number(6, set.dataType());
            number(7, set.dataBytes());
        }
        if (set.isRanges()) {
            parts(set.parts());
        }
        number(10, descriptions.size()); // an ID that no other set of the batch has
        end();
    }

    private void parts(List<Integer> octets) {
        int description = nest(9);
        int list = nest(2);
        for (int each : octets) {
            int at = nest(LIST_ELEMENT);
            number(1, each);
            unnest(at);
        }
        unnest(list);
        unnest(description);
    }

    /** Adds or removes elements, in as few messages as possible. */
    void elements(boolean add, String table, ElementSet set, List<Element> elements) {
        int each = elementsPerMessage(set);
        for (int from = 0; from < elements.size(); from += each) {
            message(add ? NEW_ELEMENTS : DELETE_ELEMENTS, add ? NLM_F_CREATE : 0, "elements of set " + set.label());
            text(TABLE, table);
            text(2, set.label());
            int list = nest(3);
            for (Element element : elements.subList(from, Math.min(elements.size(), from + each))) {
                int at = nest(LIST_ELEMENT);
                data(1, element.key());
                if (element.data().length > 0) {
                    data(2, element.data());
                }
                if (element.end().length > 0) {
                    data(10, element.end());
                }
                unnest(at);
            }
            unnest(list);
            end();
        }
    }

    /** Appends a rule to a chain. */
    void rule(String table, String chain, Consumer<RuleExpressions> expressions) {
        message(NEW_RULE, NLM_F_CREATE | NLM_F_APPEND, "rule of chain " + chain);
        text(TABLE, table);
        text(2, chain);
        int list = nest(4);
        RuleExpressions rule = new RuleExpressions(this);
        expressions.accept(rule);
        unnest(list);
        end();
        descriptions.set(descriptions.size() - 1, "rule of chain " + chain + " with " + rule.names());
    }

    /** Requests the generation: the number of the last batch of any process. */
    void askGeneration() {
        begin(SUBSYSTEM << 8 | GET_GENERATION, 0, 0, 0, "the generation");
        end();
    }

    /** Requests one table. */
    void askTable(String table) {
        message(GET_TABLE, 0, "table " + table);
        text(TABLE, table);
        end();
    }

    /** Requests all rules of a table. */
    void askRules(String table) {
        dump = true;
        message(GET_RULE, NLM_F_DUMP, "rules of table " + table);
        text(TABLE, table);
        end();
    }

    /** Requests all chains of all tables. */
    void askChains() {
        dump = true;
        message(GET_CHAIN, NLM_F_DUMP, "chains");
        end();
    }

    private void message(int type, int flags, String description) {
        begin(SUBSYSTEM << 8 | type, flags, NFPROTO_INET, 0, description);
    }

    private void begin(int type, int flags, int family, int resource, String description) {
        descriptions.add(description);
        start = out.position();
        out.putInt(0).putShort((short) type).putShort((short) (NLM_F_REQUEST | flags)).putInt(descriptions.size())
                .putInt(0).put((byte) family).put((byte) 0);
        big(resource, Short.BYTES);
    }

    private void end() {
        out.putInt(start, out.position() - start);
    }

    /** Begins a nested attribute; returns the parameter for {@link #unnest}. */
    int nest(int type) {
        int at = out.position();
        out.putShort((short) 0).putShort((short) (type | NLA_F_NESTED));
        return at;
    }

    void unnest(int at) {
        out.putShort(at, (short) (out.position() - at));
    }

    void number(int type, int value) {
        head(type, Integer.BYTES);
        big(value, Integer.BYTES);
    }

    void octet(int type, int value) {
        octets(type, new byte[] {(byte) value});
    }

    void text(int type, String text) {
        byte[] octets = (text + '\0').getBytes(StandardCharsets.US_ASCII);
        octets(type, octets);
    }

    /** Adds a register's value. */
    void data(int type, byte[] value) {
        int at = nest(type);
        octets(1, value);
        unnest(at);
    }

    private void octets(int type, byte[] octets) {
        head(type, octets.length);
        out.put(octets);
        while (out.position() % ATTRIBUTE_BYTES != 0) {
            out.put((byte) 0);
        }
    }

    private void head(int type, int length) {
        out.putShort((short) (ATTRIBUTE_BYTES + length)).putShort((short) type);
    }

    private void big(int value, int bytes) {
        for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
            out.put((byte) (value >> shift));
        }
    }
}
