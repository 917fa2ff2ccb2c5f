package io.sluice.it.dns;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Prints the addresses that Java's own resolver has for each argument. */
public final class Lookup {

    private Lookup() {}

    public static void main(String[] names) throws UnknownHostException {
        for (String name : names) {
            for (InetAddress address : InetAddress.getAllByName(name)) {
                System.out.println(address.getHostAddress());
            }
        }
    }
}
