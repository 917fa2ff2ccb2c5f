package io.sluice.proxy;

import io.sluice.datagram.Flow.Phase;
import io.sluice.datagram.FlowKey;
import io.sluice.datagram.PassedFlow;
import io.sluice.linux.SystemCalls;
import io.sluice.proxy.NativeFlowEngine.NativeFlow;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The flows that pass from one process to the next, each with its socket to the endpoint, so that neither the client nor the
 * endpoint sees a difference. Those that both sides go on to speak in come first, and of them those that were used last.
 *
 * <p>A flow that has passed goes on in both processes for a moment: they have the same sockets, and whoever reads a datagram
 * sends it on.
 */
public final class FlowPassing {

    private static final Logger LOG = LoggerFactory.getLogger(FlowPassing.class);

    /** The flows in one message. */
    public static final int AT_ONCE = 128;
    /** At one handover. */
    private static final int MOST = 65_536;
    private static final long LONGEST_NANOS = 2_000_000_000L;

    /** Gives flows to the next process. */
    @FunctionalInterface
    public interface Sink {

        /**
         * Sends a message and its descriptors, which stay open here.
         *
         * @param deadline of {@link System#nanoTime}, after which it has to return
         * @return whether it was sent; if not, none follows
         */
        boolean send(byte[] flows, List<Integer> descriptors, long deadline);
    }

    /** A flow, and a descriptor that is for it alone. */
    record Passed(PassedFlow flow, int descriptor) {}

    /** What it was like when it was found. */
    private record Candidate(NativeFlow flow, NativeFlowEngine engine, boolean stream, long silentNanos) {}

    private static final Comparator<Candidate> ORDER = Comparator.comparing((Candidate flow) -> !flow.stream())
            .thenComparingLong(Candidate::silentNanos);

    private final Map<InetSocketAddress, NativeDatagramListener> listeners = new ConcurrentHashMap<>();

    FlowPassing() {}

    /** The flows of this listener pass, and passed ones go on there. */
    NativeDatagramListener opening(NativeDatagramListener listener) {
        listeners.put(listener.address(), listener);
        return listener;
    }

    void closed(NativeDatagramListener listener) {
        listeners.remove(listener.address(), listener);
    }

    /**
     * Gives flows to the next process: most of them while this one goes on to receive, and then those that began meanwhile.
     * Nothing is received from clients when this returns. Must not be called on an event loop.
     *
     * @return how many have passed
     */
    int pass(Collection<? extends FlowEngine> engines, Sink sink) {
        long deadline = System.nanoTime() + LONGEST_NANOS;
        int passed = 0;
        boolean more = true;
        try {
            int first = round(engines, sink, MOST, deadline);
            passed = Math.abs(first);
            more = first >= 0;
        } catch (IOException e) {
            more = false;
            LOG.warn("flows of datagrams begin anew in the next process: {}", e.getMessage());
        }
        pause(deadline);
        if (more) {
            try {
                passed += Math.abs(round(engines, sink, MOST - passed, deadline));
            } catch (IOException e) {
                LOG.warn("the newest flows of datagrams begin anew in the next process: {}", e.getMessage());
            }
        }
        return passed;
    }

    private void pause(long deadline) {
        for (NativeDatagramListener listener : List.copyOf(listeners.values())) {
            listener.engine().eventLoop.execute(listener::pause);
        }
        for (NativeDatagramListener listener : List.copyOf(listeners.values())) {
            listener.engine().eventLoop.submit(() -> {
                // What is before it in the queue is done.
            }).awaitUninterruptibly(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS);
        }
    }

    /** How many have passed; negative if no more can. */
    private int round(Collection<? extends FlowEngine> engines, Sink sink, int most, long deadline)
            throws IOException {
        List<Candidate> found = new ArrayList<>();
        for (FlowEngine engine : engines) {
            if (engine instanceof NativeFlowEngine own) {
                found.addAll(on(own, () -> candidates(own), deadline));
            }
        }
        found.sort(ORDER);
        int end = Math.min(found.size(), most);
        int passed = 0;
        for (int at = 0; at < end; at += AT_ONCE) {
            Map<NativeFlowEngine, List<NativeFlow>> chunk = new HashMap<>();
            for (Candidate next : found.subList(at, Math.min(end, at + AT_ONCE))) {
                chunk.computeIfAbsent(next.engine(), e -> new ArrayList<>()).add(next.flow());
            }
            for (Map.Entry<NativeFlowEngine, List<NativeFlow>> part : chunk.entrySet()) {
                List<Passed> taken = on(part.getKey(), () -> take(part.getKey(), part.getValue()), deadline);
                if (!send(taken, sink, deadline)) {
                    return -passed - 1;
                }
                passed += taken.size();
            }
        }
        return passed;
    }

    private static <T> List<T> on(NativeFlowEngine engine, Callable<List<T>> task, long deadline) throws IOException {
        io.netty.util.concurrent.Future<List<T>> done = engine.eventLoop.submit(task);
        if (!done.awaitUninterruptibly(Math.max(1, deadline - System.nanoTime()), TimeUnit.NANOSECONDS)) {
            throw new IOException("an event loop does not answer");
        }
        if (!done.isSuccess()) {
            throw new IOException(String.valueOf(done.cause().getMessage()), done.cause());
        }
        return done.getNow();
    }

    @SuppressWarnings("ReferenceEquality") // one in another network namespace may have the same address
    private List<Candidate> candidates(NativeFlowEngine engine) {
        long now = engine.datagrams.now();
        List<Candidate> found = new ArrayList<>(engine.table.size());
        engine.table.forEach(any -> {
            if (any instanceof NativeFlow flow && !flow.passed
                    && listeners.get(flow.listener.address()) == flow.listener) {
                found.add(new Candidate(flow, engine, flow.phase() == Phase.STREAM, flow.life(now).silentNanos()));
            }
        });
        return found;
    }

    /** Of a flow that has ended meanwhile there is nothing. */
    private static List<Passed> take(NativeFlowEngine engine, List<NativeFlow> flows) {
        List<Passed> taken = new ArrayList<>();
        for (NativeFlow flow : flows) {
            try {
                Passed passed = engine.pass(flow);
                if (passed != null) {
                    taken.add(passed);
                }
            } catch (IOException e) {
                LOG.debug("a flow begins anew in the next process: {}", e.getMessage());
            }
        }
        return taken;
    }

    private static boolean send(List<Passed> taken, Sink sink, long deadline) {
        try {
            return taken.isEmpty() || sink.send(PassedFlow.encode(taken.stream().map(Passed::flow).toList()),
                    taken.stream().map(Passed::descriptor).toList(), deadline);
        } finally {
            taken.forEach(passed -> close(passed.descriptor()));
        }
    }

    /**
     * Goes on with flows of the process before this one.
     *
     * @param descriptors their sockets, which are ours from now on
     * @throws IOException if the message is not understood; the descriptors are closed then
     */
    void resume(byte[] message, List<Integer> descriptors) throws IOException {
        List<PassedFlow> flows;
        try {
            flows = PassedFlow.decode(message);
            if (flows.size() != descriptors.size()) {
                throw new IOException(flows.size() + " flows with " + descriptors.size() + " sockets");
            }
        } catch (IOException e) {
            descriptors.forEach(FlowPassing::close);
            throw e;
        }
        for (int i = 0; i < flows.size(); i++) {
            PassedFlow flow = flows.get(i);
            int descriptor = descriptors.get(i);
            NativeDatagramListener listener = listeners.get(local(flow.key()));
            if (listener == null) {
                close(descriptor);
            } else {
                NativeFlowEngine engine = listener.engine();
                engine.eventLoop.execute(() -> engine.resume(listener, flow, descriptor));
            }
        }
    }

    private static InetSocketAddress local(FlowKey key) {
        FlowKey turned = new FlowKey();
        turned.client(key.localHigh(), key.localLow(), key.localPort());
        InetAddress address = ProxiedFlow.address(turned, 0);
        return new InetSocketAddress(address, key.localPort());
    }

    private static void close(int descriptor) {
        try {
            SystemCalls.close(descriptor);
        } catch (IOException e) {
            LOG.debug("closing a socket of a flow: {}", e.getMessage());
        }
    }
}
