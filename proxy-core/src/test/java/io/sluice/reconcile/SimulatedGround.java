package io.sluice.reconcile;

import io.sluice.nftables.InterceptionTable;
import io.sluice.nftables.ProxyPorts;
import io.sluice.nftables.SimulatedNetfilter;
import io.sluice.proxy.AddressKind;
import io.sluice.proxy.InterceptedPorts;
import io.sluice.proxy.InterceptingSocket;
import io.sluice.proxy.OpenSocket;
import io.sluice.proxy.ServicePortTargets;
import io.sluice.proxy.SimulatedKernel.ProcessSockets;
import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;

/** Interception by the sockets of a simulated process and the packet filter of a simulated machine. */
record SimulatedGround(ProcessSockets process, SimulatedNetfilter netfilter) implements InterceptionGround {

    @Override
    public CompletionStage<? extends InterceptingSocket> intercept(InetAddress address, InterceptedPorts ports) {
        return process.intercept(address, ports);
    }

    @Override
    public boolean handsOverAtOnce(ServicePortTargets port) {
        return false;
    }

    @Override
    public InterceptionTable table(Map<IpFamily, ProxyPorts> ports, List<Cidr> podCidrs) {
        return netfilter.table(ports, podCidrs, process);
    }

    @Override
    public DatagramGround datagrams() {
        return new Datagrams(process);
    }

    private record Datagrams(ProcessSockets process) implements DatagramGround {

        @Override
        public void put(InetSocketAddress address, AddressKind kind, ServicePortTargets port) {
            process.put(address, kind, port);
        }

        @Override
        public void remove(InetSocketAddress address) {
            process.remove(address);
        }

        @Override
        public CompletionStage<? extends OpenSocket> intercept(InetSocketAddress loopback) {
            return process.interceptDatagrams(loopback);
        }

        @Override
        public void finishAll() {
            process.finishAll();
        }

        @Override
        public void releaseAll() {
            process.finishAll();
        }

        @Override
        public List<Integer> descriptors() {
            return List.of();
        }
    }
}
