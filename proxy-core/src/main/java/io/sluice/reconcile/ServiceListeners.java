package io.sluice.reconcile;

import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.reconcile.AppliedState.ListenerState;
import io.sluice.service.ServiceState;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * Takes connections to the addresses of Services, and gives them to Service ports. Confined to the control thread.
 *
 * <p>{@link #open} comes after everything that a connection needs is there, and hands an address that moves to its new
 * owner without a gap; {@link #close} comes after everything that leads clients there is gone.
 */
sealed interface ServiceListeners permits ListenerSet, InterceptionSet {

    /**
     * Takes connections to every claimed address that has endpoints; addresses that have failed are tried again.
     *
     * @param opens    whether addresses may be opened; if not, those that are open change their owners only
     * @param freeBind whether addresses need not be this machine's yet
     * @return how many were opened
     */
    int open(AddressPlan plan, boolean opens, boolean freeBind);

    /**
     * Closes addresses that no port claims any more, or whose port has no endpoint.
     *
     * @return how many were closed
     */
    int close(AddressPlan plan);

    /** The endpoints of these Services have changed, and no address is to be opened or closed for it. */
    void endpointsChanged(List<ServiceState> services);

    /** Closes everything, so that new connections are refused. */
    void closeAll();

    /**
     * Another process serves now: closes this process's copies of all sockets and leaves waiting connections to the process
     * that has the others. Waiting connections that would get to nobody there are accepted.
     */
    void release();

    /** Leaves everything to the process that served before this one, as it was before {@link #open}. */
    void retreat();

    /** The descriptors of the open sockets, to be given to another process. */
    List<Integer> descriptors();

    /** How many addresses are open. */
    int size();

    /** Whether an address should be open and is not, so that another attempt is due. */
    boolean incomplete();

    boolean failedAt(InetSocketAddress address);

    /** The state of a claimed address. */
    ListenerState state(InetSocketAddress address, Claim claim);

    /**
     * Checks whether the kernel still has what was set up in it, and sets up again what is missing.
     *
     * @return whether everything has to be reviewed
     */
    boolean repair();

    /** Removes what outlives the sockets, unless it is to be kept or another process has it; the last connection has ended. */
    void end(boolean keep);
}
