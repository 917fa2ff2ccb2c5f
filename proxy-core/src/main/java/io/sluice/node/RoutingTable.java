package io.sluice.node;

import io.sluice.service.Cidr;
import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import java.util.Set;

/** The kernel's routes, as far as {@link LocalRoutes} deals with them. Control thread. */
interface RoutingTable {

    /**
     * The local routes that a proxy like this one has added, and nobody else.
     *
     * @throws IOException if the kernel cannot be asked
     */
    Set<Cidr> ours() throws IOException;

    /**
     * What the node needs of the address space.
     *
     * @throws IOException if the kernel cannot be asked
     */
    NodeNetworks networks() throws IOException;

    /**
     * Adds local routes.
     *
     * @return the kernel's error number for each that could not be added
     * @throws IOException if the kernel cannot be asked
     */
    Map<Cidr, Integer> add(Collection<Cidr> destinations) throws IOException;

    /**
     * Removes local routes of ours; one that is not there is as good as removed.
     *
     * @return the kernel's error number for each that could not be removed
     * @throws IOException if the kernel cannot be asked
     */
    Map<Cidr, Integer> remove(Collection<Cidr> destinations) throws IOException;
}
