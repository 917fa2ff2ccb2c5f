package io.sluice.node;

import java.net.InetAddress;
import java.util.Map;

/** Makes the addresses of Services addresses of this machine, or leaves that to others. Control thread. */
public interface ServiceAddresses {

    /** Somebody else sees to it. */
    ServiceAddresses LEFT_TO_OTHERS = new ServiceAddresses() {
        @Override
        public Provided provide(AddressDemand demand) {
            return Provided.ALL;
        }

        @Override
        public boolean concerns(InetAddress endpoint) {
            return false;
        }

        @Override
        public void release() {
            // Nothing was added.
        }

        @Override
        public boolean mend() {
            return false;
        }

        @Override
        public void adopt() {
            // Nobody has left anything.
        }

        @Override
        public boolean provides() {
            return false;
        }

        @Override
        public void close(boolean keep) {
            // Nothing was added.
        }
    };

    /**
     * What became of the addresses that were wanted; each reason is one line for a person.
     *
     * @param refused that must not be this node's: who listens there is to stop
     * @param failed  that could not be had just now
     */
    record Provided(Map<InetAddress, String> refused, Map<InetAddress, String> failed) {
        static final Provided ALL = new Provided(Map.of(), Map.of());
    }

    /** Adds what is missing and removes nothing. */
    Provided provide(AddressDemand demand);

    /** Whether {@link #provide} might answer otherwise once there is an endpoint with this address, or none any more. */
    boolean concerns(InetAddress endpoint);

    /** Removes what the last {@link #provide} did not want any more. */
    void release();

    /**
     * Looks whether everything that was added is still there, and adds again what is not.
     *
     * @return whether {@link #provide} may decide otherwise now
     */
    boolean mend();

    /** Takes what another daemon has added meanwhile for its own, and removes nothing of it before {@link #release}. */
    void adopt();

    /** Whether addresses come from here: sockets are then bound to them before they are there, or while they are not. */
    boolean provides();

    /** Removes everything that was added, unless it is to be kept. */
    void close(boolean keep);
}
