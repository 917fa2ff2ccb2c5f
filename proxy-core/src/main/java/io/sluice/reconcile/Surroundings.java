package io.sluice.reconcile;

import io.sluice.balance.ClientOrigins;
import io.sluice.proxy.ConnectionFilter;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.FlowSettings;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.node.NodePortAddresses;
import java.util.Random;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.IntUnaryOperator;
import java.util.random.RandomGenerator;

/**
 * What a {@link Reconciler} acts on, and its time: a data path and a machine, or what stands for them.
 *
 * @param control   the thread
 * @param time      the same thread, with its clock
 * @param node      reads this node's addresses
 * @param origins   takes what is known about clients' addresses
 * @param listeners opens and closes the addresses of these ports
 * @param sources   lets endpoints see the client's own address
 * @param prober    asks endpoints that did not answer
 * @param checker   checks the health of endpoints
 * @param flows     how flows of datagrams live unless their Service says otherwise
 * @param kill      ends connections
 * @param random    decides when checks begin
 * @param turns     gives a number from 0 to less than its argument: where turns begin; called by all event loops at once
 */
record Surroundings(ScheduledExecutorService control, ControlThread time, NodeAddresses node,
        Consumer<ClientOrigins> origins, Function<ServicePorts, ServiceListeners> listeners,
        SourcePreservation sources, OutlierDetector.Prober prober, HealthChecker.Checker checker, FlowSettings flows,
        Consumer<ConnectionFilter> kill, RandomGenerator random,
        IntUnaryOperator turns) {

    /** This machine and {@code dataPath}. */
    static Surroundings of(DataPath dataPath, ProxyMetrics metrics, Interception interception,
            NodePortAddresses nodePortAddresses, Balancing balancing, ScheduledExecutorService control) {
        return new Surroundings(control, ControlThread.of(control), NodeAddresses.ofMachine(nodePortAddresses),
                dataPath::origins,
                ports -> interception.on()
                        ? new InterceptionSet(InterceptionGround.of(dataPath), ports, interception.fallback(),
                                balancing.clusterCidrs(), control)
                        : new ListenerSet(dataPath::listen, new DatagramSet(dataPath.datagrams()::listen, ports),
                                ports),
                interception.on() ? new TransparentSources(interception.masqueradeAll())
                        : new AnnotatedSources(dataPath, metrics),
                dataPath.probes()::probe, dataPath.probes()::check, dataPath.datagrams().settings(), dataPath::kill,
                new Random(), bound -> ThreadLocalRandom.current().nextInt(bound));
    }
}
