package io.sluice.it.testbed;

import java.util.stream.Stream;

/** Transports for tests that take long, as arguments of theirs. */
public final class Transports {

    private Transports() {}

    /** The one that a daemon chooses itself; in the profile {@code nightly} epoll as well. */
    public static Stream<String> ofLongTests() {
        return Boolean.getBoolean("sluice.it.transports.all") ? Stream.of("auto", "epoll") : Stream.of("auto");
    }
}
