package io.sluice.handover;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SocketOptions;
import io.sluice.linux.SystemCalls;
import io.sluice.proxy.FlowPassing;
import java.io.IOException;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of flows of datagrams from the old process to the new one: a socket of its own, which the new one gives to the old
 * one with the word that it serves. An old process that does not know of it closes it, as every descriptor that it did not
 * ask for.
 */
final class FlowChannel {

    private static final Logger LOG = LoggerFactory.getLogger(FlowChannel.class);

    private static final int MESSAGE_BYTES = 128 * 1024;
    private static final int LOOK_UP_MILLIS = 50;
    /** Without a word of the old process. */
    private static final long SILENCE = TimeUnit.SECONDS.toNanos(1);
    private static final long PAUSE_MILLIS = 2;

    /** Has the flows of one message. */
    @FunctionalInterface
    interface Receiver {

        /**
         * Takes them.
         *
         * @param descriptors their sockets, the receiver's from now on
         */
        void flows(byte[] message, List<Integer> descriptors) throws IOException;
    }

    private FlowChannel() {}

    /** The old process's side, over the socket that it was given; without one nothing is sent. */
    static FlowPassing.Sink sink(OptionalInt socket) {
        return (flows, descriptors, deadline) -> socket.isPresent()
                && send(socket.getAsInt(), flows, descriptors, deadline);
    }

    private static boolean send(int socket, byte[] flows, List<Integer> descriptors, long deadline) {
        try {
            while (System.nanoTime() < deadline) {
                try {
                    UnixMessages.send(socket, flows, descriptors, SocketOptions.MSG_DONTWAIT);
                    return true;
                } catch (ErrnoException e) {
                    // The kernel also limits the descriptors that are on their way.
                    if (e.errno() != Errno.EAGAIN && e.errno() != Errno.ETOOMANYREFS) {
                        throw e;
                    }
                    TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
                }
            }
            LOG.warn("the new process takes flows of datagrams too slowly: the rest begin anew there");
        } catch (IOException e) {
            LOG.warn("the new process takes no more flows of datagrams: {}", e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return false;
    }

    /** The new process's side: receives until the old process is done, gone, or silent for too long. Closes the socket. */
    static void receive(int socket, Receiver receiver, BooleanSupplier ended) throws IOException {
        try {
            UnixMessages.timeout(socket, LOOK_UP_MILLIS);
            long heard = System.nanoTime();
            while (!ended.getAsBoolean() && System.nanoTime() - heard < SILENCE) {
                try {
                    UnixMessages.Received received = UnixMessages.receive(socket, MESSAGE_BYTES, 0);
                    if (received.bytes().length == 0) {
                        return;
                    }
                    receiver.flows(received.bytes(), received.descriptors());
                    heard = System.nanoTime();
                } catch (ErrnoException e) {
                    if (e.errno() != Errno.EAGAIN) {
                        throw e;
                    }
                }
            }
        } catch (IOException e) {
            LOG.warn("flows of datagrams begin anew: {}", e.getMessage());
        } finally {
            SystemCalls.close(socket);
        }
    }
}
