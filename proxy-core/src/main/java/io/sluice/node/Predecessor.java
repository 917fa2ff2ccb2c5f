package io.sluice.node;

import io.sluice.node.HandoverConnection.Message;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A daemon that runs on this machine already and whose listening sockets this one takes over. They are the same sockets,
 * not new ones at the same addresses: no connection that waits in one of them is lost. For one thread.
 */
public final class Predecessor implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Predecessor.class);
    private static final int TIMEOUT_MILLIS = 20_000;

    private final HandoverConnection connection;
    private final List<Integer> listeners;
    private boolean taken;

    private Predecessor(HandoverConnection connection, List<Integer> listeners) {
        this.connection = connection;
        this.listeners = List.copyOf(listeners);
    }

    /**
     * Asks whoever answers at {@code path} for its listening sockets; until {@link #takeOver} it goes on to accept.
     *
     * @return empty if nobody answers
     * @throws IOException if somebody does, and is not what it should be
     */
    public static Optional<Predecessor> find(Path path) throws IOException {
        if (!Files.exists(path)) {
            return Optional.empty();
        }
        int fd = HandoverConnection.socket();
        try (Arena arena = Arena.ofConfined()) {
            SystemCalls.connect(fd, HandoverConnection.address(arena, path));
        } catch (IOException e) {
            SystemCalls.close(fd);
            LOG.debug("nobody answers at {}: {}", path, e.getMessage());
            return Optional.empty();
        }
        HandoverConnection connection = new HandoverConnection(fd, TIMEOUT_MILLIS);
        List<Integer> listeners = new ArrayList<>();
        try {
            connection.send(HandoverConnection.HELLO, List.of());
            Message message = connection.receive();
            while (message.word().equals(HandoverConnection.LISTENERS)) {
                listeners.addAll(message.descriptors());
                message = connection.receive();
            }
            if (!message.word().equals(HandoverConnection.THAT_IS_ALL)) {
                throw new IOException("the daemon at " + path + " does not hand over its sockets: it says '"
                        + message.word() + "'");
            }
            return Optional.of(new Predecessor(connection, listeners));
        } catch (IOException e) {
            for (int listener : listeners) {
                SystemCalls.close(listener);
            }
            connection.close();
            throw e;
        }
    }

    /** How many listening sockets it has given. */
    public int size() {
        return listeners.size();
    }

    /** Descriptors of its listening sockets; the caller's to close from now on. */
    public List<Integer> take() {
        taken = true;
        return listeners;
    }

    /**
     * Tells it that this daemon accepts now. Returns when it does so no more and has left its other addresses.
     *
     * @throws IOException if it does not answer; the sockets are in use here all the same
     */
    public void takeOver() throws IOException {
        connection.send(HandoverConnection.READY, List.of());
        String word = connection.receive().word();
        if (!word.equals(HandoverConnection.RELEASED)) {
            throw new IOException(word.isEmpty() ? "it ended before it said so" : "it says '" + word + "'");
        }
    }

    /** Leaves it as it is; closes what was not taken. */
    @Override
    public void close() throws IOException {
        if (!taken) {
            taken = true;
            for (int listener : listeners) {
                SystemCalls.close(listener);
            }
        }
        connection.close();
    }
}
