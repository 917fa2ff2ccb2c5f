package io.sluice.node;

import io.sluice.service.Cidr;
import java.io.IOException;
import java.util.Collection;
import java.util.Map;
import java.util.Set;

/** The kernel's routes that {@link LocalRoutes} uses. Control thread. */
interface RoutingTable {

    /**
     * The local routes that a proxy like this one has added, and no other software.
     *
     * @throws IOException if the kernel cannot be asked
     */
    Set<Cidr> ours() throws IOException;

    /**
     * The addresses and networks that the node needs.
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
     * Removes local routes of ours; a missing one counts as removed.
     *
     * @return the kernel's error number for each that could not be removed
     * @throws IOException if the kernel cannot be asked
     */
    Map<Cidr, Integer> remove(Collection<Cidr> destinations) throws IOException;
}
