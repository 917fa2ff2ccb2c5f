package io.sluice.nftables;

import io.sluice.service.IpFamily;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The packet filter and the routes of marked packets on which an {@link InterceptionTable} acts: those of this network
 * namespace ({@link HostNetfilter}), or what stands for them. For one thread; waits for the kernel.
 */
interface Netfilter {

    /** Requests to nf_tables, as {@link NftSocket} sends them. */
    interface Requests extends AutoCloseable {

        /** Sends a batch, which is applied as a whole or not at all. */
        void batch(NftMessages messages) throws IOException;

        /** The number of the last batch of any process. */
        long generation() throws IOException;

        /** The number of a table; empty if there is none of this name. */
        OptionalLong tableHandle(String table) throws IOException;

        /** The names of a table's chains. */
        Set<String> chains(String table) throws IOException;

        /** The numbers of all rules of a table. */
        List<Long> ruleHandles(String table) throws IOException;

        @Override
        void close() throws IOException;
    }

    /** What tells that this process serves, as {@link OwnedTable}; gone with its end, and with {@link #close}. */
    interface Presence extends AutoCloseable {

        /** Tells it from now on. */
        void serving() throws IOException;

        @Override
        void close() throws IOException;
    }

    /** Begins to ask; to be closed, and after a failure not to be used any more. */
    Requests open() throws IOException;

    /** Adds the missing rules and routes for marked packets of these families; how many it added. */
    int provideRoutes(Collection<IpFamily> families) throws IOException;

    /** Removes them; how many there were. */
    int removeRoutes() throws IOException;

    /** Tells nothing yet; empty where the kernel has no such thing. */
    Optional<? extends Presence> presence() throws IOException;

    /** How many connections that were handed to the kernel go on. */
    int handed();

    /** Makes the kernel forget the connections that this node's proxy has served. */
    void forgetServed();
}
