package io.sluice.dns;

import io.sluice.service.IpAddresses;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicInteger;

/** One server that is asked for names that are not ours, and how it fares. Any thread. */
final class Upstream {

    private static final int MAX_FAILURES = 2;

    private final InetSocketAddress address;
    private final AtomicInteger failures = new AtomicInteger();
    private volatile boolean looping;

    Upstream(InetSocketAddress address) {
        this.address = address;
    }

    InetSocketAddress address() {
        return address;
    }

    /** It said something; true if it was down before. */
    boolean answered() {
        return failures.get() != 0 && failures.getAndSet(0) >= MAX_FAILURES;
    }

    /** It said nothing; true if it counts as down from now on. */
    boolean failed() {
        return failures.updateAndGet(count -> Math.min(count + 1, MAX_FAILURES + 1)) == MAX_FAILURES;
    }

    /** Whether others are asked first. */
    boolean down() {
        return failures.get() >= MAX_FAILURES;
    }

    /** Whether what it is asked comes back to us. */
    boolean looping() {
        return looping;
    }

    void looping(boolean value) {
        looping = value;
    }

    /** {@code ip:port}. */
    @Override
    public String toString() {
        return IpAddresses.format(address.getAddress(), address.getPort());
    }
}
