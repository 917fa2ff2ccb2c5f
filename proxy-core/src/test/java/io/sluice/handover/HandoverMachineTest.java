package io.sluice.handover;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class HandoverMachineTest {

    /** Records the machine's actions in words. */
    private static final class Recorder implements HandoverActions {
        final List<String> done = new ArrayList<>();

        @Override
        public void offer(int peer) {
            done.add("offer " + peer);
        }

        @Override
        public void yieldAddresses(int peer) {
            done.add("yield " + peer);
        }

        @Override
        public void resume(int peer) {
            done.add("resume " + peer);
        }

        @Override
        public void release(int peer) {
            done.add("release " + peer);
        }

        @Override
        public void tell(int peer, HandoverWord word) {
            done.add(word.name().toLowerCase(Locale.ROOT) + " " + peer);
        }

        @Override
        public void hangUp(int peer) {
            done.add("hang up " + peer);
        }
    }

    private static Arguments row(String what, String events, String actions) {
        return Arguments.of(what, events, actions);
    }

    static Stream<Arguments> events_of_a_handover_lead_to_actions() {
        return Stream.of(
                row("a new process takes over step by step",
                        "1 comes, 1 hello, 1 request, 1 ready, 1 serving",
                        "wait 1, offer 1, yield 1, release 1"),
                row("one that waits for its Services holds nobody up",
                        "1 comes, 1 hello, 1000 s",
                        "wait 1"),
                row("one that has the sockets and is not ready after ten seconds loses them",
                        "1 comes, 1 hello, 1 request, 9 s, 1 s",
                        "wait 1, offer 1, resume 1, withdrawn 1"),
                row("its late word changes nothing, and it may request anew after a pause",
                        "1 comes, 1 hello, 1 request, 10 s, 1 ready, 1 request, 9 s, 1 s, 1 ready, 1 serving",
                        "wait 1, offer 1, resume 1, withdrawn 1, offer 1, yield 1, release 1"),
                row("the pause doubles, so that a slow one does not hold this process up half of the time",
                        "1 comes, 1 hello, 1 request, 10 s, 1 request, 10 s, 10 s, 1 request, 19 s, 1 s",
                        "wait 1, offer 1, resume 1, withdrawn 1, offer 1, resume 1, withdrawn 1, offer 1"),
                row("one that got all addresses and does not serve after five seconds loses them",
                        "1 comes, 1 hello, 1 request, 1 ready, 4 s, 1 s, 1 serving",
                        "wait 1, offer 1, yield 1, resume 1, withdrawn 1"),
                row("one that ends with the sockets in its hand is no obstacle",
                        "1 comes, 1 hello, 1 request, 1 end",
                        "wait 1, offer 1, resume 1, hang up 1"),
                row("one that ends between taking over and serving neither",
                        "1 comes, 1 hello, 1 request, 1 ready, 1 end",
                        "wait 1, offer 1, yield 1, resume 1, hang up 1"),
                row("a newer one overtakes one that waits, which is superseded",
                        "1 comes, 1 hello, 2 comes, 2 hello, 2 request, 2 ready, 2 serving",
                        "wait 1, wait 2, offer 2, yield 2, release 2, superseded 1, hang up 1"),
                row("a newer one overtakes one that has the sockets",
                        "1 comes, 1 hello, 1 request, 2 comes, 2 hello, 2 request, 1 ready, 2 ready, 2 serving",
                        "wait 1, offer 1, wait 2, resume 1, withdrawn 1, offer 2, yield 2, release 2, superseded 1,"
                                + " hang up 1"),
                row("the older one has its turn again when the newer one gives up",
                        "1 comes, 1 hello, 1 request, 2 comes, 2 hello, 2 request, 1 request, 2 end",
                        "wait 1, offer 1, wait 2, resume 1, withdrawn 1, offer 2, resume 2, hang up 2, offer 1"),
                row("a newer one does not overtake one that is about to serve, and is sent there",
                        "1 comes, 1 hello, 1 request, 1 ready, 2 comes, 2 hello, 2 request, 1 serving",
                        "wait 1, offer 1, yield 1, wait 2, release 1, moved 2, hang up 2"),
                row("an older one waits while a newer one has the sockets",
                        "1 comes, 1 hello, 2 comes, 2 hello, 2 request, 1 request, 2 ready, 2 serving",
                        "wait 1, wait 2, offer 2, yield 2, release 2, superseded 1, hang up 1"),
                row("the order is that of the first words",
                        "1 comes, 2 comes, 2 hello, 1 hello, 1 request, 1 ready, 1 serving",
                        "wait 2, wait 1, offer 1, yield 1, release 1, superseded 2, hang up 2"),
                row("the earlier protocol has no waiting and one step less",
                        "1 comes, 1 earlier_hello, 1 ready",
                        "offer 1, release 1"),
                row("it has thirty seconds, because it learns its Services in them, and then is left alone",
                        "1 comes, 1 earlier_hello, 29 s, 1 s, 1 ready",
                        "offer 1, resume 1, hang up 1"),
                row("who says nothing is not waited for",
                        "1 comes, 1 s, 1 s",
                        "hang up 1"),
                row("who says something else is sent away",
                        "1 comes, 1 unknown, 2 comes, 2 ready, 3 comes, 3 hello, 3 serving, 4 comes, 4 request,"
                                + " 5 comes, 5 hello, 5 hello, 6 comes, 6 released",
                        "hang up 1, hang up 2, wait 3, hang up 4, wait 5, hang up 5, hang up 6"),
                row("who says that it serves before it may loses the sockets",
                        "1 comes, 1 hello, 1 request, 1 serving",
                        "wait 1, offer 1, resume 1, hang up 1"),
                row("a process that ends sends all elsewhere, and does not come back for it",
                        "1 comes, 1 hello, 1 request, 2 comes, ends, 3 comes",
                        "wait 1, offer 1, moved 1, hang up 1, moved 2, hang up 2, moved 3, hang up 3"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource
    void events_of_a_handover_lead_to_actions(String what, String events, String actions) {
        Recorder recorder = new Recorder();
        HandoverMachine machine = new HandoverMachine(recorder);
        long now = TimeUnit.SECONDS.toNanos(50);
        for (String event : events.split(", ", -1)) {
            String[] words = event.split(" ", -1);
            if (event.equals("ends")) {
                machine.ending();
            } else if (words[1].equals("s")) {
                now += TimeUnit.SECONDS.toNanos(Long.parseLong(words[0]));
                machine.timer(now);
            } else if (words[1].equals("comes")) {
                machine.arrived(Integer.parseInt(words[0]), now);
            } else {
                machine.said(Integer.parseInt(words[0]),
                        HandoverWord.valueOf(words[1].toUpperCase(Locale.ROOT)), now);
            }
        }
        assertThat(String.join(", ", recorder.done)).as(what).isEqualTo(actions);
    }

    @Test
    void a_thousand_silent_connections_keep_no_real_one_out() {
        Recorder recorder = new Recorder();
        HandoverMachine machine = new HandoverMachine(recorder);
        machine.arrived(0, 0);
        machine.said(0, HandoverWord.HELLO, 0);
        for (int id = 1; id <= 1000; id++) {
            machine.arrived(id, 0);
        }
        assertThat(recorder.done).hasSize(1 + 1000 - HandoverMachine.SILENT_PEERS).doesNotContain("hang up 0");
        machine.arrived(1001, 0);
        machine.said(1001, HandoverWord.HELLO, 0);
        assertThat(recorder.done).endsWith("wait 1001");
        assertThat(machine.deadline()).isEqualTo(HandoverMachine.SILENCE);
    }

    @Test
    void the_oldest_of_too_many_that_wait_is_superseded() {
        Recorder recorder = new Recorder();
        HandoverMachine machine = new HandoverMachine(recorder);
        for (int id = 0; id <= HandoverMachine.WAITING_PEERS; id++) {
            machine.arrived(id, 0);
            machine.said(id, HandoverWord.HELLO, 0);
        }
        assertThat(recorder.done).containsSubsequence("superseded 0", "hang up 0", "wait 16");
    }

    /** Plays any words at any time, and checks the rules that hold for each history. */
    @Test
    void no_history_holds_this_process_up_for_longer_than_an_offer_or_gives_the_sockets_to_two() {
        for (long seed = 0; seed < 20_000; seed++) {
            simulate(seed);
        }
    }

    /** Checks every action against those before it. */
    private static final class Witness implements HandoverActions {
        final long seed;
        final List<String> history = new ArrayList<>();
        final Set<Integer> left = new TreeSet<>();
        final Set<Integer> holders = new TreeSet<>();
        long now;
        long heldSince;
        boolean released;

        Witness(long seed) {
            this.seed = seed;
        }

        void note(String event) {
            history.add(event);
        }

        String where() {
            return "seed " + seed + ": " + history;
        }

        private void act(String what, int peer) {
            note("  " + what + " " + peer);
            assertThat(left).as(where()).doesNotContain(peer);
            assertThat(released && !what.equals("tell") && !what.equals("hang up")).as(where()).isFalse();
        }

        @Override
        public void offer(int peer) {
            act("offer", peer);
            assertThat(holders).as(where()).isEmpty();
            holders.add(peer);
            heldSince = now;
        }

        @Override
        public void yieldAddresses(int peer) {
            act("yield", peer);
            assertThat(holders).as(where()).containsExactly(peer);
        }

        @Override
        public void resume(int peer) {
            act("resume", peer);
            assertThat(holders.remove(peer)).as(where()).isTrue();
        }

        @Override
        public void release(int peer) {
            act("release", peer);
            assertThat(holders).as(where()).containsExactly(peer);
            released = true;
        }

        @Override
        public void tell(int peer, HandoverWord word) {
            act("tell", peer);
        }

        @Override
        public void hangUp(int peer) {
            act("hang up", peer);
            left.add(peer);
        }
    }

    private static void simulate(long seed) {
        Random random = new Random(seed);
        Witness witness = new Witness(seed);
        HandoverMachine machine = new HandoverMachine(witness);
        HandoverWord[] words = {HandoverWord.HELLO, HandoverWord.REQUEST, HandoverWord.READY, HandoverWord.SERVING,
                HandoverWord.EARLIER_HELLO, HandoverWord.END, HandoverWord.UNKNOWN};
        int peers = 0;
        for (int step = 0; step < 60 && !witness.released; step++) {
            int what = random.nextInt(10);
            if (peers == 0 || what < 2) {
                witness.note("comes " + ++peers);
                machine.arrived(peers, witness.now);
            } else if (what < 8) {
                int peer = 1 + random.nextInt(peers);
                // Words in the right order are more frequent than others.
                int any = random.nextInt(words.length);
                HandoverWord word = words[Math.min(any, random.nextInt(words.length))];
                witness.note(word + " " + peer);
                machine.said(peer, word, witness.now);
            } else {
                pass(machine, witness, TimeUnit.MILLISECONDS.toNanos(random.nextInt(20_000)));
            }
            assertThat(witness.holders.isEmpty() || witness.released
                    || witness.now - witness.heldSince < HandoverMachine.EARLIER_OFFER + HandoverMachine.YIELD)
                    .as("held up for too long, " + witness.where()).isTrue();
            assertThat(machine.phase() == HandoverMachine.Phase.OWN).as(witness.where())
                    .isEqualTo(witness.holders.isEmpty());
        }
    }

    private static void pass(HandoverMachine machine, Witness witness, long time) {
        long next = witness.now + time;
        while (machine.deadline() <= next) {
            assertThat(machine.deadline()).as("a deadline that passed, " + witness.where())
                    .isGreaterThanOrEqualTo(witness.now);
            witness.now = machine.deadline();
            witness.note("at " + witness.now);
            machine.timer(witness.now);
        }
        witness.now = next;
    }
}
