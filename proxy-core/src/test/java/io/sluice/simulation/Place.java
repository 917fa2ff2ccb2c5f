package io.sluice.simulation;

import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/** An address and port of one protocol. */
public record Place(Protocol protocol, InetSocketAddress address) {

    static Place at(Protocol protocol, String ip, int port) {
        return new Place(protocol, new InetSocketAddress(IpAddresses.parse(ip), port));
    }

    /** Its address alone. */
    public InetAddress ip() {
        return address.getAddress();
    }

    /** The family of its address. */
    public IpFamily family() {
        return IpFamily.of(ip());
    }

    @Override
    public String toString() {
        return IpAddresses.format(ip(), address.getPort()) + "/" + protocol;
    }
}
