package io.sluice.proxy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.netty.util.concurrent.EventExecutor;
import io.sluice.balance.AffinityTable;
import io.sluice.balance.Routing;
import io.sluice.linux.TcpCalls;
import io.sluice.metrics.AccessLog;
import io.sluice.metrics.PortMeters;
import io.sluice.metrics.ProxyMetrics;
import io.sluice.service.BalancerKind;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.EndpointSet;
import io.sluice.service.NodeTopology;
import io.sluice.service.Protocol;
import io.sluice.service.Service;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePort;
import io.sluice.service.ServicePortName;
import io.sluice.uring.Ring;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What depends on how the two sockets of a connection meet in one round of an event loop. */
class NativeConnectionTest {

    private static final Service SERVICE =
            Service.builder(new ServiceName("default", "kubia")).clusterIps(List.of(InetAddress.getLoopbackAddress()))
                    .ports(List.of(new ServicePort("", Protocol.TCP, 80, 0, "8080", null))).build();
    /** A read that fills the buffer of either engine's speaks for bulk. */
    private static final int READ = Ring.BUFFER_BYTES;
    private static final int REST = 20_000;

    private DataPath dataPath;
    private ServerSocket clients;
    private ServerSocket endpoints;

    static Stream<Transport> transports() {
        return Stream.of(Transport.EPOLL, Transport.IO_URING).filter(Transport::available);
    }

    private void start(Transport transport) throws IOException {
        dataPath = new DataPath(ProxySettings.builder().transport(transport).workerThreads(1)
                .connectTimeout(Duration.ofSeconds(5)).maxConnections(1_000).backlog(128).build(), AccessLog.off());
        clients = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
        endpoints = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    }

    @AfterEach
    void stop() throws IOException {
        dataPath.close();
        clients.close();
        endpoints.close();
    }

    /** The kernel tells of a reset once: after a write was told, there is nothing to read, which looks like an end. */
    @ParameterizedTest
    @MethodSource("transports")
    void a_client_that_has_reset_while_it_was_written_to_has_not_ended(Transport transport) throws IOException {
        start(transport);
        Socket client = connect();
        try (Socket endpoint = endpoints.accept()) {
            pass(client, endpoint, 1);
            pass(endpoint, client, 1);
            Rounds rounds = new Rounds(dataPath.eventLoops().iterator().next());
            client.getOutputStream().write(new byte[3 * READ]);
            for (int i = 0; i < 6; i++) {
                rounds.one();
            }
            endpoint.getInputStream().readNBytes(3 * READ);

            client.getOutputStream().write(new byte[READ + REST]);
            endpoint.getOutputStream().write(new byte[512]);
            rounds.one(); // both were read: what was read of the one is not written to the other yet
            client.setSoLinger(true, 0);
            client.close();
            rounds.one();
            rounds.end();

            assertThat(endpoint.getInputStream().readNBytes(READ + REST)).hasSize(READ + REST);
            assertThatThrownBy(() -> endpoint.getInputStream().read()).isInstanceOf(SocketException.class)
                    .hasMessageContaining("reset");
        }
    }

    /** What is thrown while a connection is served ends that connection. */
    @ParameterizedTest
    @MethodSource("transports")
    void a_fault_of_ours_ends_the_connection_and_not_the_event_loop(Transport transport) throws IOException {
        start(transport);
        int endpoint = endpoints.getLocalPort();
        endpoints.close(); // and so the endpoint refuses, which is told to a listener that throws
        Socket first = connect(endpoint, (unanswered, why) -> {
            throw new AssertionError("thrown by the test");
        });
        assertThatThrownBy(() -> first.getInputStream().read()).isInstanceOf(SocketException.class)
                .hasMessageContaining("reset");
        assertThat(dataPath.activeConnections()).isZero();

        endpoints = new ServerSocket(endpoint, 1, InetAddress.getLoopbackAddress());
        Socket second = connect(endpoint, HealthListener.NONE);
        try (Socket served = endpoints.accept()) {
            pass(second, served, 1);
            pass(served, second, 1);
        }
    }

    private static void pass(Socket from, Socket to, int bytes) throws IOException {
        from.getOutputStream().write(new byte[bytes]);
        assertThat(to.getInputStream().readNBytes(bytes)).hasSize(bytes);
    }

    /** A client whose connection goes to {@link #endpoints}. */
    private Socket connect() throws IOException {
        return connect(endpoints.getLocalPort(), HealthListener.NONE);
    }

    private Socket connect(int endpoint, HealthListener health) throws IOException {
        PortMeters meters = new ProxyMetrics(new PrometheusMeterRegistry(PrometheusConfig.DEFAULT))
                .port(new ServicePortName(SERVICE.name(), "", Protocol.TCP));
        ServicePortTargets port = new ServicePortTargets(meters.name(), meters, new AtomicInteger(), health);
        EndpointSet only = EndpointSet.of(List.of(
                Endpoint.ready(new EndpointAddress(InetAddress.getLoopbackAddress(), endpoint))));
        port.update(Routing.NONE.next(SERVICE, only, new NodeTopology("n1", null),
                new Routing.Settings(BalancerKind.ROUND_ROBIN, new AffinityTable(1), List.of(), 50),
                new Routing.Tools(address -> () -> 0, bound -> 0), 0), List.of());
        int fd = new TcpCalls().open(false);
        new TcpCalls().connect(fd, clients.getInetAddress(), clients.getLocalPort());
        Socket client = clients.accept();
        InetSocketAddress address = (InetSocketAddress) client.getLocalSocketAddress();
        dataPath.accepted(fd, address, new Destination(address, port, AddressKind.CLUSTER_IP));
        return client;
    }

    /** Holds an event loop between its rounds. */
    private static final class Rounds implements Runnable {
        private final EventExecutor loop;
        private final Semaphore held = new Semaphore(0);
        private final Semaphore next = new Semaphore(0);
        private volatile boolean over;

        Rounds(EventExecutor loop) {
            this.loop = loop;
            loop.execute(this);
            held.acquireUninterruptibly();
        }

        @Override
        public void run() {
            held.release();
            next.acquireUninterruptibly();
            if (!over) {
                loop.schedule(this, 0, TimeUnit.NANOSECONDS); // in the next round, which submitting it is not
            }
        }

        /** What there is to be read and written, once. */
        void one() {
            next.release();
            held.acquireUninterruptibly();
        }

        void end() {
            over = true;
            next.release();
        }
    }
}
