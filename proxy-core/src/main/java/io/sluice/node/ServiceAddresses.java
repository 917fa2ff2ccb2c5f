package io.sluice.node;

import java.net.InetAddress;
import java.util.Map;

/** Makes the addresses of Services local on this machine, or leaves that to other software. Control thread. */
public interface ServiceAddresses {

    /** Adds nothing: other software makes the addresses arrive here. */
    ServiceAddresses UNMANAGED = new ServiceAddresses() {
        @Override
        public Provided provide(AddressDemand demand) {
            return Provided.ALL;
        }

        @Override
        public boolean affects(InetAddress endpoint) {
            return false;
        }

        @Override
        public void release() {
            // Nothing was added.
        }

        @Override
        public boolean repair() {
            return false;
        }

        @Override
        public void adopt() {
            // No daemon has left an address.
        }

        @Override
        public boolean manages() {
            return false;
        }

        @Override
        public void close(boolean keep) {
            // Nothing was added.
        }
    };

    /**
     * The addresses that are not available, each with the reason in one line for the user.
     *
     * @param refused must not be local on this node: listeners there have to be closed
     * @param failed  could not be added just now
     */
    record Provided(Map<InetAddress, String> refused, Map<InetAddress, String> failed) {
        static final Provided ALL = new Provided(Map.of(), Map.of());
    }

    /** Adds missing addresses and removes none. */
    Provided provide(AddressDemand demand);

    /** Whether the result of {@link #provide} may change when an endpoint with this address comes or goes. */
    boolean affects(InetAddress endpoint);

    /** Removes the addresses that the last {@link #provide} no longer demanded. */
    void release();

    /**
     * Checks whether all added addresses are still there, and adds missing ones again.
     *
     * @return whether the result of {@link #provide} or {@link #release} may change now
     */
    boolean repair();

    /**
     * Takes over the addresses that another daemon has added meanwhile, and removes none of them before {@link #release}.
     */
    void adopt();

    /**
     * Whether this adds and removes addresses: sockets are then bound to them before they are there, or while they are not.
     */
    boolean manages();

    /** Removes all added addresses, unless {@code keep}. */
    void close(boolean keep);
}
