package io.sluice.node;

import io.sluice.netlink.KernelRoutes;
import io.sluice.service.Cidr;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InterfaceAddress;
import java.net.NetworkInterface;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The routing table of this process's network namespace. */
final class HostRoutingTable implements RoutingTable {

    private final KernelRoutes kernel = new KernelRoutes();

    @Override
    public Set<Cidr> ours() throws IOException {
        return kernel.ours();
    }

    @Override
    public NodeNetworks networks() throws IOException {
        Set<InetAddress> own = new HashSet<>();
        List<Cidr> networks = new ArrayList<>();
        for (NetworkInterface networkInterface : Collections.list(NetworkInterface.getNetworkInterfaces())) {
            for (InterfaceAddress address : networkInterface.getInterfaceAddresses()) {
                own.add(address.getAddress());
                Cidr network = new Cidr(address.getAddress(), address.getNetworkPrefixLength());
                if (!NodeNetworks.isSingle(network) && !address.getAddress().isLoopbackAddress()) {
                    networks.add(network);
                }
            }
        }
        List<Cidr> routes = new ArrayList<>();
        Set<InetAddress> gateways = new HashSet<>();
        kernel.forEachOfMain(route -> {
            gateways.addAll(route.gateways());
            if (route.isUnicast() && route.destination().prefixLength() > 0) {
                routes.add(route.destination());
            }
        });
        return new NodeNetworks(own, networks, routes, gateways);
    }

    @Override
    public Map<Cidr, Integer> add(Collection<Cidr> destinations) throws IOException {
        return kernel.add(destinations);
    }

    @Override
    public Map<Cidr, Integer> remove(Collection<Cidr> destinations) throws IOException {
        return kernel.remove(destinations);
    }
}
