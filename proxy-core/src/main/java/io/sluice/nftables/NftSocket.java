package io.sluice.nftables;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.netlink.NetlinkSocket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Sends requests to nf_tables in this network namespace and waits for the responses. For one thread. After a failure it must
 * be closed: more errors of a refused batch may follow, which would be taken for the next response.
 */
final class NftSocket implements Netfilter.Requests {

    private static final int NLMSG_ERROR = 2;
    private static final int NLMSG_DONE = 3;
    private static final int NLM_F_DUMP_INTR = 0x10;
    private static final int HEADER_BYTES = 16;
    private static final int BODY_OFFSET = 20;
    private static final int ATTRIBUTE_BYTES = 4;
    private static final int GENERATION_ID = 1;
    private static final int TABLE_HANDLE = 4;
    private static final int RULE_HANDLE = 3;
    private static final int CHAIN_TABLE = 1;
    private static final int CHAIN_NAME = 3;
    private static final int DUMP_ATTEMPTS = 5;
    private static final int QUESTION_BYTES = 256;

    /** How long the kernel may take: a large batch waits for those of other processes. */
    private static final int TIMEOUT_MILLIS = 10_000;

    private final NetlinkSocket socket;

    private NftSocket(NetlinkSocket socket) {
        this.socket = socket;
    }

    /** @throws IOException if this kernel has no nfnetlink; the message says so */
    static NftSocket open() throws IOException {
        try {
            return new NftSocket(NetlinkSocket.openNetfilter(TIMEOUT_MILLIS));
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EPROTONOSUPPORT) {
                throw noNfTables(e.number());
            }
            throw e;
        }
    }

    private static ErrnoException noNfTables(int errno) {
        return new ErrnoException("this kernel has no nf_tables (CONFIG_NF_TABLES_INET)", errno);
    }

    /**
     * Sends a batch, which the kernel applies as a whole or not at all.
     *
     * @throws ErrnoException if the kernel refuses it; the message says which part
     */
    @Override
    public void batch(NftMessages messages) throws IOException {
        send(messages);
        boolean[] done = {false};
        ErrnoException[] failure = {null};
        while (!done[0] && failure[0] == null) {
            read(receive(), reply -> {
                if (reply.type != NLMSG_ERROR) {
                    return;
                }
                if (reply.error == 0) {
                    done[0] |= reply.sequence == messages.acknowledged();
                } else if (failure[0] == null) {
                    failure[0] = failure(messages, reply);
                }
            });
        }
        if (failure[0] != null) {
            throw failure[0];
        }
    }

    private static ErrnoException failure(NftMessages messages, Reply reply) {
        String description = messages.description(reply.sequence);
        return switch (Errno.of(reply.error)) {
            case EPERM -> new ErrnoException("changing nf_tables needs CAP_NET_ADMIN", reply.error);
            case EOPNOTSUPP, EPROTONOSUPPORT -> reply.sequence <= 1
                    ? noNfTables(reply.error)
                    : new ErrnoException("nf_tables, " + description + ": this kernel does not support it",
                            reply.error);
            case null, default -> new ErrnoException("nf_tables, " + description, reply.error);
        };
    }

    private void send(NftMessages messages) throws IOException {
        try {
            socket.send(messages.written());
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EPERM) {
                throw new ErrnoException("changing nf_tables needs CAP_NET_ADMIN", e.number());
            }
            throw e;
        }
    }

    private ByteBuffer receive() throws IOException {
        try {
            return socket.receive();
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EAGAIN) {
                throw new ErrnoException("nf_tables has not answered for " + TIMEOUT_MILLIS / 1000 + " s", e.number());
            }
            throw e;
        }
    }

    /** The number of the last batch of any process that the kernel has applied; it wraps at 2³². */
    @Override
    public long generation() throws IOException {
        NftMessages question = new NftMessages(QUESTION_BYTES);
        question.askGeneration();
        List<Long> ids = new ArrayList<>();
        ask(question, GENERATION_ID, ids);
        if (ids.isEmpty()) {
            throw new IOException("nf_tables does not say its generation");
        }
        return ids.getFirst();
    }

    /** The handle, by which the kernel tells this table from another one of its name; empty if there is no such table. */
    @Override
    public OptionalLong tableHandle(String table) throws IOException {
        NftMessages question = new NftMessages(QUESTION_BYTES);
        question.askTable(table);
        List<Long> handles = new ArrayList<>();
        try {
            ask(question, TABLE_HANDLE, handles);
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return OptionalLong.empty();
            }
            throw e;
        }
        return handles.isEmpty() ? OptionalLong.empty() : OptionalLong.of(handles.getFirst());
    }

    /** The names of a table's chains. */
    @Override
    public Set<String> chains(String table) throws IOException {
        NftMessages question = new NftMessages(QUESTION_BYTES);
        question.askChains();
        return whole(question, (reply, names) -> {
            if (text(reply.body, CHAIN_TABLE).equals(table)) {
                names.add(text(reply.body, CHAIN_NAME));
            }
        }, HashSet::new, "chains");
    }

    /** The handles of all rules of a table; a rule that was replaced has another one. */
    @Override
    public List<Long> ruleHandles(String table) throws IOException {
        NftMessages question = new NftMessages(QUESTION_BYTES);
        question.askRules(table);
        return whole(question, (reply, handles) -> number(reply.body, RULE_HANDLE).ifPresent(handles::add),
                ArrayList::new, "rules");
    }

    /** Gathers a list that has not changed while the kernel has written it. */
    private <T> T whole(NftMessages question, BiConsumer<Reply, T> gather, Supplier<T> empty, String what)
            throws IOException {
        for (int attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
            T gathered = empty.get();
            if (ask(question, reply -> gather.accept(reply, gathered))) {
                return gathered;
            }
        }
        throw new ErrnoException("listing " + what + " of nf_tables, which others change all the time", Errno.EAGAIN);
    }

    private void ask(NftMessages question, int attribute, List<Long> numbers) throws IOException {
        ask(question, reply -> number(reply.body, attribute).ifPresent(numbers::add));
    }

    /**
     * Asks for one object or a list.
     *
     * @return whether nf_tables did not change during the response
     */
    private boolean ask(NftMessages question, Consumer<Reply> each) throws IOException {
        boolean dump = question.isDump();
        send(question);
        boolean[] done = {false};
        boolean[] whole = {true};
        int[] error = {0};
        while (!done[0]) {
            read(receive(), reply -> {
                whole[0] &= (reply.flags & NLM_F_DUMP_INTR) == 0;
                switch (reply.type) {
                    case NLMSG_ERROR, NLMSG_DONE -> {
                        error[0] = reply.error;
                        done[0] = true;
                    }
                    default -> {
                        each.accept(reply);
                        done[0] |= !dump;
                    }
                }
            });
        }
        if (error[0] != 0) {
            throw failure(question, new Reply(NLMSG_ERROR, 0, question.acknowledged() + 1, error[0],
                    ByteBuffer.allocate(0)));
        }
        return whole[0];
    }

    record Reply(int type, int flags, int sequence, int error, ByteBuffer body) {}

    static void read(ByteBuffer in, Consumer<Reply> consumer) {
        while (in.remaining() >= HEADER_BYTES) {
            int start = in.position();
            int length = in.getInt(start);
            if (length < BODY_OFFSET || length > in.remaining()) {
                return;
            }
            int type = in.getShort(start + 4) & 0xffff;
            int first = in.getInt(start + HEADER_BYTES);
            consumer.accept(new Reply(type, in.getShort(start + 6), in.getInt(start + 8),
                    type == NLMSG_ERROR || type == NLMSG_DONE ? -Math.min(0, first) : 0,
                    in.slice(start + BODY_OFFSET, length - BODY_OFFSET).order(in.order())));
            in.position(Math.min(in.limit(), start + align(length)));
        }
    }

    /** An attribute of four or eight octets, in network byte order. */
    static OptionalLong number(ByteBuffer body, int wanted) {
        ByteBuffer value = attribute(body, wanted);
        return switch (value.remaining()) {
            case Integer.BYTES -> OptionalLong.of(Integer.toUnsignedLong(value.getInt(0)));
            case Long.BYTES -> OptionalLong.of(value.getLong(0));
            default -> OptionalLong.empty();
        };
    }

    /** An attribute that is a text, without the zero at its end. */
    static String text(ByteBuffer body, int wanted) {
        return StandardCharsets.US_ASCII.decode(attribute(body, wanted)).toString().replace("\0", "");
    }

    /** Empty if there is none. */
    private static ByteBuffer attribute(ByteBuffer body, int wanted) {
        int at = 0;
        while (body.limit() - at >= ATTRIBUTE_BYTES) {
            int length = body.getShort(at) & 0xffff;
            if (length < ATTRIBUTE_BYTES || length > body.limit() - at) {
                break;
            }
            if ((body.getShort(at + 2) & 0x3fff) == wanted) {
                return body.slice(at + ATTRIBUTE_BYTES, length - ATTRIBUTE_BYTES).order(ByteOrder.BIG_ENDIAN);
            }
            at += align(length);
        }
        return ByteBuffer.allocate(0);
    }

    private static int align(int length) {
        return length + 3 & ~3;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
