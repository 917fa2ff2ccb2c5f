package io.sluice.operator;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Gives an order at the socket of an {@link OperatorServer}. */
public final class OperatorClient {

    private static final Duration LONGEST = Duration.ofSeconds(30);
    /** A line for each of the orders in force would be a tenth. */
    private static final int LONGEST_ANSWER = 4 * 1024 * 1024;

    private OperatorClient() {}

    /**
     * Sends one order and waits for its answer, half a minute at the most.
     *
     * @param order fields of JSON
     * @return the answer, which has an {@code error} if the order was not carried out
     * @throws IOException if no daemon answers there; the message begins with the path
     */
    public static JsonNode send(Path socket, Map<String, Object> order) throws IOException {
        long deadline = System.nanoTime() + LONGEST.toNanos();
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                Selector selector = Selector.open()) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            ByteBuffer line = ByteBuffer.wrap((JsonMapper.shared().writeValueAsString(order) + "\n")
                    .getBytes(StandardCharsets.UTF_8));
            while (line.hasRemaining()) {
                channel.write(line);
            }
            channel.configureBlocking(false);
            channel.register(selector, SelectionKey.OP_READ);
            ByteArrayOutputStream answer = new ByteArrayOutputStream();
            ByteBuffer buffer = ByteBuffer.allocate(8192);
            while (true) {
                long left = Duration.ofNanos(deadline - System.nanoTime()).toMillis();
                if (left <= 0) {
                    throw new IOException("it does not answer");
                }
                selector.select(left);
                int read = channel.read(buffer.clear());
                if (read < 0) {
                    return read(answer);
                }
                answer.write(buffer.array(), 0, read);
                if (answer.size() > LONGEST_ANSWER) {
                    throw new IOException("its answer is too long");
                }
            }
        } catch (ClosedByInterruptException e) {
            Thread.currentThread().interrupt();
            throw new IOException(socket + ": interrupted", e);
        } catch (IOException e) {
            throw new IOException(socket + ": " + e.getMessage(), e);
        }
    }

    private static JsonNode read(ByteArrayOutputStream answer) throws IOException {
        if (answer.size() == 0) {
            throw new IOException("it has closed the connection without an answer");
        }
        try {
            return JsonMapper.shared().readTree(answer.toByteArray());
        } catch (JacksonException e) {
            throw new IOException("what answers is no sluice: its answer is no JSON", e);
        }
    }
}
