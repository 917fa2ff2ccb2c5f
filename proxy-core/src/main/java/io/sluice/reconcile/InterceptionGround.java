package io.sluice.reconcile;

import io.sluice.nftables.InterceptionTable;
import io.sluice.nftables.ProxyPorts;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.InterceptedDatagrams;
import io.sluice.proxy.InterceptedPorts;
import io.sluice.proxy.InterceptingSocket;
import io.sluice.proxy.OpenSocket;
import io.sluice.proxy.ServicePortTargets;
import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** What an {@link InterceptionSet} acts on: a data path and the kernel, or what stands for them. Control thread. */
interface InterceptionGround {

    /** As {@link DataPath#intercept}. */
    CompletionStage<? extends InterceptingSocket> intercept(InetAddress address, InterceptedPorts ports);

    /** Whether connections to {@code port} are handed to the kernel as soon as an endpoint is connected. */
    boolean handsOverAtOnce(ServicePortTargets port);

    /** A table that leads to these sockets, and has changed nothing yet. */
    InterceptionTable table(Map<IpFamily, ProxyPorts> ports, List<Cidr> podCidrs);

    /** The same for datagrams. */
    DatagramGround datagrams();

    /** What {@link InterceptedFlows} acts on. */
    interface DatagramGround {

        /** Datagrams to {@code address} are for {@code port} from now on. */
        void put(InetSocketAddress address, AddressKind kind, ServicePortTargets port);

        /** They belong to no Service any more. */
        void remove(InetSocketAddress address);

        /** As {@link io.sluice.proxy.Datagrams#intercept}. */
        CompletionStage<? extends OpenSocket> intercept(InetSocketAddress loopback);

        /** As {@link InterceptedDatagrams#finishAll}. */
        void finishAll();

        /** As {@link InterceptedDatagrams#releaseAll}. */
        void releaseAll();

        /** The open sockets of single addresses, to be given to another process. */
        List<Integer> descriptors();
    }

    /** {@code dataPath} and this network namespace. */
    static InterceptionGround of(DataPath dataPath) {
        return new OfDataPath(dataPath);
    }

    /** A data path, and the kernel. */
    record OfDataPath(DataPath dataPath) implements InterceptionGround {

        @Override
        public CompletionStage<? extends InterceptingSocket> intercept(InetAddress address, InterceptedPorts ports) {
            return dataPath.intercept(address, ports);
        }

        @Override
        public boolean handsOverAtOnce(ServicePortTargets port) {
            return dataPath.handsOverAtOnce(port);
        }

        @Override
        public InterceptionTable table(Map<IpFamily, ProxyPorts> ports, List<Cidr> podCidrs) {
            return new InterceptionTable(ports, podCidrs, dataPath.handsOver());
        }

        @Override
        public DatagramGround datagrams() {
            return new DatagramsOfDataPath(dataPath, new InterceptedDatagrams());
        }
    }

    /** Its datagrams. */
    record DatagramsOfDataPath(DataPath dataPath, InterceptedDatagrams services) implements DatagramGround {

        @Override
        public void put(InetSocketAddress address, AddressKind kind, ServicePortTargets port) {
            services.put(address, kind, port, dataPath.datagrams());
        }

        @Override
        public void remove(InetSocketAddress address) {
            services.remove(address);
        }

        @Override
        public CompletionStage<? extends OpenSocket> intercept(InetSocketAddress loopback) {
            return dataPath.datagrams().intercept(loopback, services);
        }

        @Override
        public void finishAll() {
            services.finishAll();
        }

        @Override
        public void releaseAll() {
            services.releaseAll();
        }

        @Override
        public List<Integer> descriptors() {
            return services.descriptors();
        }
    }
}
