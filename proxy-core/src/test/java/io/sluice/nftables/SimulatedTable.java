package io.sluice.nftables;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The table {@code inet sluice} of a simulated kernel, made by the octets of the messages that the real one would get. */
final class SimulatedTable {

    private static final int NEW_TABLE = 0;
    private static final int DELETE_TABLE = 2;
    private static final int NEW_CHAIN = 3;
    private static final int NEW_RULE = 6;
    private static final int DELETE_RULE = 8;
    private static final int NEW_SET = 9;
    private static final int NEW_ELEMENTS = 12;
    private static final int DELETE_ELEMENTS = 14;
    private static final int SUBSYSTEM = 10;
    private static final int HEADER_BYTES = 20;
    private static final int HEAD_BYTES = 4;
    /** An attribute with a value of two octets. */
    private static final byte[] SHORT_VALUE = {6, 0, 1, 0};

    /**
     * A rule.
     *
     * @param numbers all values of two octets in it, ports among them
     */
    record Rule(long handle, String chain, Set<Integer> numbers) {

        static Rule of(long handle, String chain, ByteBuffer octets) {
            Set<Integer> numbers = new HashSet<>();
            for (int at = 0; at + SHORT_VALUE.length + Short.BYTES <= octets.limit(); at += HEAD_BYTES) {
                boolean found = true;
                for (int i = 0; i < SHORT_VALUE.length; i++) {
                    found &= octets.get(at + i) == SHORT_VALUE[i];
                }
                if (found) {
                    int high = octets.get(at + SHORT_VALUE.length) & 0xff;
                    numbers.add(high << Byte.SIZE | octets.get(at + SHORT_VALUE.length + 1) & 0xff);
                }
            }
            return new Rule(handle, chain, numbers);
        }
    }

    /** After a batch. */
    record State(@Nullable SimulatedTable table, long handles) {}

    final long handle;
    final Set<String> chains = new HashSet<>();
    final List<Rule> rules = new ArrayList<>();
    private final Map<String, Map<ByteBuffer, byte[]>> sets = new HashMap<>();

    private SimulatedTable(long handle) {
        this.handle = handle;
    }

    private SimulatedTable copy() {
        SimulatedTable copy = new SimulatedTable(handle);
        copy.chains.addAll(chains);
        copy.rules.addAll(rules);
        sets.forEach((label, elements) -> copy.sets.put(label, new HashMap<>(elements)));
        return copy;
    }

    /** The elements of a set: keys with the ends of their ranges, and data. */
    Map<ByteBuffer, byte[]> set(String label) {
        return sets.getOrDefault(label, Map.of());
    }

    /** The table after a batch; an error leaves it as it was. */
    static State apply(@Nullable SimulatedTable before, long handles, ByteBuffer batch) throws ErrnoException {
        Batch applied = new Batch(before == null ? null : before.copy(), handles);
        ByteBuffer in = batch.duplicate().order(batch.order());
        while (in.hasRemaining()) {
            int start = in.position();
            int length = in.getInt(start);
            int type = in.getShort(start + HEAD_BYTES) & 0xffff;
            if (type >> 8 == SUBSYSTEM) {
                applied.message(type & 0xff, in.slice(start + HEADER_BYTES, length - HEADER_BYTES).order(in.order()));
            }
            in.position(start + length);
        }
        return new State(applied.table, applied.handles);
    }

    private static final class Batch {

        private @Nullable SimulatedTable table;
        private long handles;

        Batch(@Nullable SimulatedTable table, long handles) {
            this.table = table;
            this.handles = handles;
        }

        private SimulatedTable table(String what) throws ErrnoException {
            SimulatedTable now = table;
            if (now == null) {
                throw new ErrnoException("nf_tables, " + what, Errno.ENOENT);
            }
            return now;
        }

        void message(int type, ByteBuffer body) throws ErrnoException {
            Map<Integer, ByteBuffer> attributes = attributes(body);
            switch (type) {
                case NEW_TABLE -> {
                    if (table == null) {
                        table = new SimulatedTable(++handles);
                    }
                }
                case DELETE_TABLE -> {
                    table("table");
                    table = null;
                }
                case NEW_CHAIN -> table("chain").chains.add(text(attributes, 3));
                case NEW_RULE -> table("rule").rules.add(Rule.of(++handles, text(attributes, 2), body));
                case DELETE_RULE -> table("rules").rules.clear();
                case NEW_SET -> table("set").sets.computeIfAbsent(text(attributes, 2), label -> new HashMap<>());
                case NEW_ELEMENTS, DELETE_ELEMENTS -> elements(type == NEW_ELEMENTS, attributes);
                default -> throw new AssertionError("a message of type " + type);
            }
        }

        private void elements(boolean add, Map<Integer, ByteBuffer> attributes) throws ErrnoException {
            String label = text(attributes, 2);
            Map<ByteBuffer, byte[]> set = table("elements of set " + label).sets.get(label);
            if (set == null) {
                throw new ErrnoException("nf_tables, elements of set " + label, Errno.ENOENT);
            }
            ByteBuffer list = attributes.get(3);
            if (list == null) {
                set.clear();
                return;
            }
            while (list.remaining() >= HEAD_BYTES) {
                Map<Integer, ByteBuffer> element = attributes(attribute(list));
                byte[] key = value(element.get(1));
                byte[] end = value(element.get(10));
                byte[] data = value(element.get(2));
                ByteBuffer whole = ByteBuffer.allocate(key.length + end.length).put(key).put(end).flip();
                byte[] known = add ? set.putIfAbsent(whole, data) : set.remove(whole);
                if (add ? known != null && !Arrays.equals(known, data) : known == null) {
                    throw new ErrnoException("nf_tables, elements of set " + label, add ? Errno.EBUSY : Errno.ENOENT);
                }
            }
        }
    }

    /** The attribute at the position, which goes on to the next. */
    private static ByteBuffer attribute(ByteBuffer in) {
        int start = in.position();
        int length = in.getShort(start) & 0xffff;
        ByteBuffer content = in.slice(start + HEAD_BYTES, length - HEAD_BYTES).order(in.order());
        in.position(Math.min(in.limit(), start + (length + 3 & ~3)));
        return content;
    }

    private static Map<Integer, ByteBuffer> attributes(ByteBuffer body) {
        Map<Integer, ByteBuffer> found = new HashMap<>();
        ByteBuffer in = body.duplicate().order(body.order());
        while (in.remaining() >= HEAD_BYTES) {
            int type = in.getShort(in.position() + 2) & 0x3fff;
            found.put(type, attribute(in));
        }
        return found;
    }

    private static byte[] value(@Nullable ByteBuffer data) {
        if (data == null) {
            return new byte[0];
        }
        ByteBuffer in = data.duplicate().order(data.order());
        ByteBuffer content = attribute(in);
        byte[] octets = new byte[content.remaining()];
        content.get(octets);
        return octets;
    }

    private static String text(Map<Integer, ByteBuffer> attributes, int type) {
        ByteBuffer octets = attributes.get(type);
        if (octets == null) {
            throw new AssertionError("a message without attribute " + type);
        }
        return StandardCharsets.US_ASCII.decode(octets.duplicate()).toString().replace("\0", "");
    }
}
