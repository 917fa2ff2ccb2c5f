package io.sluice.reconcile;

/** Loopback addresses of this process alone, so that two builds on one machine do not bind the same ones. */
final class OwnAddresses {

    /** Addresses for each process. */
    private static final int EACH = 16;
    private static final int PROCESSES = 65_536 / EACH;

    private OwnAddresses() {}

    /**
     * One of them.
     *
     * @param network the second number of 127.0.0.0/8: a test class has one of its own
     * @param index   from 0 to 15
     */
    static String at(int network, int index) {
        if (index < 0 || index >= EACH) {
            throw new IllegalArgumentException("there are " + EACH + " addresses, and not " + index);
        }
        int host = (int) (ProcessHandle.current().pid() % PROCESSES) * EACH + index;
        return "127." + network + "." + (host >> 8) + "." + (host & 0xff);
    }
}
