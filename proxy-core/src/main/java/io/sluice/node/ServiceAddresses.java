package io.sluice.node;

import java.net.InetAddress;
import java.util.Map;
import java.util.Set;

/** Makes the addresses of Services addresses of this machine, or leaves that to others. Control thread. */
public interface ServiceAddresses {

    /** Somebody else sees to it. */
    ServiceAddresses LEFT_TO_OTHERS = new ServiceAddresses() {
        @Override
        public Map<InetAddress, String> provide(Set<InetAddress> wanted, Set<InetAddress> endpoints) {
            return Map.of();
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
        public void mend() {
            // Nothing was added.
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
     * Adds what is missing and removes nothing.
     *
     * @param wanted    the addresses of all Services
     * @param endpoints the addresses behind them, which must not be taken over
     * @return for each address of {@code wanted} that cannot be had, one line for a person
     */
    Map<InetAddress, String> provide(Set<InetAddress> wanted, Set<InetAddress> endpoints);

    /** Whether {@link #provide} might answer otherwise once there is an endpoint with this address, or none any more. */
    boolean concerns(InetAddress endpoint);

    /** Removes what the last {@link #provide} did not want any more. */
    void release();

    /** Looks whether everything that was added is still there, and adds again what is not. */
    void mend();

    /** Whether addresses come from here: sockets are then bound to them before they are there, or while they are not. */
    boolean provides();

    /** Removes everything that was added, unless it is to be kept. */
    void close(boolean keep);
}
