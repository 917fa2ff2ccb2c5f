package io.sluice.dns.forward;

import io.sluice.service.IpAddresses;
import java.net.InetSocketAddress;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** One server that is asked for names outside our zones, and whether it answers. Any thread. */
final class Upstream {

    private static final int MAX_FAILURES = 2;

    private final InetSocketAddress address;
    private final AtomicInteger failures = new AtomicInteger();
    private final AtomicBoolean plainNext = new AtomicBoolean();
    private final AtomicBoolean ednsChecked = new AtomicBoolean();
    private volatile boolean looping;
    private volatile boolean edns = true;

    Upstream(InetSocketAddress address) {
        this.address = address;
    }

    InetSocketAddress address() {
        return address;
    }

    /** Notes an answer; true if the server was down before. */
    boolean answered() {
        return failures.get() != 0 && failures.getAndSet(0) >= MAX_FAILURES;
    }

    /** Notes a missing answer; true if the server counts as down from now on. */
    boolean failed() {
        return failures.updateAndGet(count -> Math.min(count + 1, MAX_FAILURES + 1)) == MAX_FAILURES;
    }

    /** Whether other servers are asked first. */
    boolean down() {
        return failures.get() >= MAX_FAILURES;
    }

    /** Whether the next question goes out with an OPT record. */
    boolean nextWithEdns() {
        return edns && !plainNext.getAndSet(false);
    }

    /** Notes a missing answer to a question with an OPT record: the next one has none. */
    void silentToEdns() {
        plainNext.set(true);
    }

    /** Notes an answer to a question without an OPT record, after one with it had no answer. */
    void withoutEdns() {
        edns = false;
    }

    /** Whether the caller has to check now if the server understands EDNS: true once. */
    boolean beginEdnsCheck() {
        return !edns && ednsChecked.compareAndSet(false, true);
    }

    /** Notes that the server understands EDNS after all. */
    void withEdns() {
        edns = true;
        plainNext.set(false);
        ednsChecked.set(false);
    }

    /** Whether it sends our questions back to us. */
    boolean looping() {
        return looping;
    }

    void looping(boolean value) {
        looping = value;
    }

    /** {@code ip:port}. */
    @Override
    public String toString() {
        return IpAddresses.formatZoned(address.getAddress(), address.getPort());
    }
}
