package io.sluice.uring;

import static org.assertj.core.api.Assertions.assertThatCode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

/** A ring whose setup fails half-way can be closed like any other, so that its user sees the reason. */
@EnabledIf("io.sluice.uring.RingTest#isThere")
class RingSetupTest {

    @Test
    void a_ring_whose_memory_was_not_mapped_can_be_closed() {
        RingSetup setup = new RingSetup(8, 16);
        setup.create();

        assertThatCode(setup::close).doesNotThrowAnyException();
    }

    @Test
    void a_ring_that_is_open_can_be_closed() {
        RingSetup setup = new RingSetup(8, 16);
        setup.open();

        assertThatCode(setup::close).doesNotThrowAnyException();
    }
}
