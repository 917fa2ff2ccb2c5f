package io.sluice.proxy;

import io.sluice.linux.ReadySet;
import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The sockets of one event loop that receive datagrams, and what receives from each. A socket that is closed leaves by itself;
 * what was found for it before that is not told to the one that has its place. Lives on the event loop.
 */
final class FlowSockets {

    /** A socket that has something to read. */
    abstract static class Receiver {
        private int slot = NONE;
        private int generation;

        abstract void ready();
    }

    private static final int NONE = -1;
    /** The sockets that are looked at before others have their turn. */
    private static final int AT_ONCE = 256;
    /** As often in a row, if there are so many. */
    private static final int ROUNDS = 4;

    private final ReadySet set;
    private @Nullable Receiver[] receivers = new Receiver[64];
    private int[] free = new int[64];
    private int frees;
    private int used;
    private int generation;

    FlowSockets() throws IOException {
        set = new ReadySet(AT_ONCE);
    }

    int descriptor() {
        return set.descriptor();
    }

    /** {@code receiver} is called while {@code fd} has something to read. */
    void add(int fd, Receiver receiver) throws IOException {
        int slot = frees > 0 ? free[--frees] : used++;
        if (slot == receivers.length) {
            receivers = Arrays.copyOf(receivers, 2 * slot);
        }
        receiver.slot = slot;
        receiver.generation = ++generation;
        receivers[slot] = receiver;
        try {
            set.add(fd, (long) receiver.generation << Integer.SIZE | slot);
        } catch (IOException e) {
            closed(receiver);
            throw e;
        }
    }

    /** Takes it out without closing it. */
    void remove(int fd, Receiver receiver) throws IOException {
        if (receiver.slot != NONE) {
            closed(receiver);
            set.remove(fd);
        }
    }

    /** Its socket is closed. */
    void closed(Receiver receiver) {
        if (receiver.slot == NONE) {
            return;
        }
        receivers[receiver.slot] = null;
        if (frees == free.length) {
            free = Arrays.copyOf(free, 2 * frees);
        }
        free[frees++] = receiver.slot;
        receiver.slot = NONE;
    }

    /** Calls those whose sockets have something to read, {@code before} each round. */
    void look(Runnable before) throws IOException {
        for (int round = 0; round < ROUNDS; round++) {
            int found = set.look();
            before.run();
            for (int i = 0; i < found; i++) {
                long number = set.number(i);
                Receiver receiver = receivers[(int) number];
                if (receiver != null && receiver.generation == (int) (number >>> Integer.SIZE)) {
                    receiver.ready();
                }
            }
            if (found < AT_ONCE) {
                return;
            }
        }
    }
}
