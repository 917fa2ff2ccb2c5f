package io.sluice.reconcile;

import io.sluice.node.LocalAddresses;
import io.sluice.node.NodePortAddresses;
import io.sluice.service.Cidr;
import java.net.InetAddress;
import java.net.SocketException;
import java.util.Collection;
import java.util.List;

/** What the kernel says of this node's addresses. Control thread. */
interface NodeAddresses {

    /**
     * The addresses of its interfaces.
     *
     * @throws SocketException if the kernel cannot be asked
     */
    Collection<InetAddress> addresses() throws SocketException;

    /**
     * The networks of its interfaces.
     *
     * @throws SocketException if the kernel cannot be asked
     */
    List<Cidr> networks() throws SocketException;

    /**
     * The addresses on which node ports listen.
     *
     * @throws SocketException if the kernel cannot be asked
     */
    List<InetAddress> nodePorts() throws SocketException;

    /** This machine. */
    static NodeAddresses ofMachine(NodePortAddresses nodePorts) {
        return new NodeAddresses() {
            @Override
            public Collection<InetAddress> addresses() throws SocketException {
                return LocalAddresses.read();
            }

            @Override
            public List<Cidr> networks() throws SocketException {
                return LocalAddresses.networks();
            }

            @Override
            public List<InetAddress> nodePorts() throws SocketException {
                return nodePorts.resolve();
            }
        };
    }
}
