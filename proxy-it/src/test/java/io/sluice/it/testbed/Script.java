package io.sluice.it.testbed;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * What one TCP peer does, step by step: immutable, and readable in a failure's message.
 *
 * <p>{@code script().send(10).finish().receiveToEnd(10)}. The bytes are those of a {@link Pattern}, one for each
 * direction, and every byte that is received is compared.
 */
public record Script(List<Step> steps) {

    public Script {
        steps = List.copyOf(steps);
    }

    /** One step. */
    public sealed interface Step {

        /** Sends the next bytes of this peer's stream. */
        record Send(long bytes) implements Step {}

        /** The same, but that the other side resets meanwhile is in order. */
        record SendOrBeReset(long bytes) implements Step {}

        /** Receives exactly so many bytes. */
        record Receive(long bytes) implements Step {}

        /** Receives so many bytes with a pause after each burst. */
        record ReceiveSlowly(long bytes, int burst, Duration pause) implements Step {}

        /** Receives until the other side has finished: {@code bytes} from now, or any number if that is negative. */
        record ReceiveToEnd(long bytes) implements Step {}

        /** Receives until a reset comes; an end before it is a failure. */
        record ReceiveToReset() implements Step {}

        /** Receives until an end or a reset comes; {@link ScriptedPeer.Outcome} says which. */
        record ReceiveToEndOrReset(int burst, Duration pause) implements Step {}

        /** Nothing comes for so long: no byte, no end, no reset. */
        record ExpectNothingFor(Duration time) implements Step {}

        /** Shuts down sending (FIN). */
        record Finish() implements Step {}

        /** Closes with a reset (RST). */
        record Reset() implements Step {}

        /** Waits for a gate. */
        record Await(Gate gate) implements Step {
            @Override
            public String toString() {
                return "Await[]";
            }
        }

        /** Opens a gate. */
        record Open(Gate gate) implements Step {
            @Override
            public String toString() {
                return "Open[]";
            }
        }

        /** Does nothing for a while, because that is what this peer is like. */
        record Idle(Duration time) implements Step {}

        /** Two scripts at the same time, as sending and receiving are independent. */
        record Together(Script one, Script other) implements Step {}
    }

    /** Does nothing but close. */
    public static Script script() {
        return new Script(List.of());
    }

    /** Then {@code step}. */
    public Script then(Step step) {
        List<Step> more = new ArrayList<>(steps);
        more.add(step);
        return new Script(more);
    }

    public Script send(long bytes) {
        return then(new Step.Send(bytes));
    }

    public Script receive(long bytes) {
        return then(new Step.Receive(bytes));
    }

    public Script receiveSlowly(long bytes, int burst, Duration pause) {
        return then(new Step.ReceiveSlowly(bytes, burst, pause));
    }

    /** Receives {@code bytes} more and then an end. */
    public Script receiveToEnd(long bytes) {
        return then(new Step.ReceiveToEnd(bytes));
    }

    /** Receives whatever comes and then an end. */
    public Script receiveToEnd() {
        return then(new Step.ReceiveToEnd(-1));
    }

    public Script receiveToReset() {
        return then(new Step.ReceiveToReset());
    }

    public Script expectNothingFor(Duration time) {
        return then(new Step.ExpectNothingFor(time));
    }

    public Script finish() {
        return then(new Step.Finish());
    }

    public Script reset() {
        return then(new Step.Reset());
    }

    public Script await(Gate gate) {
        return then(new Step.Await(gate));
    }

    public Script open(Gate gate) {
        return then(new Step.Open(gate));
    }

    public Script together(Script one, Script other) {
        return then(new Step.Together(one, other));
    }

    @Override
    public String toString() {
        return steps.stream().map(Step::toString).collect(Collectors.joining(" ", "{", "}"));
    }
}
