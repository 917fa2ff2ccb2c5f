package io.sluice.connection;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Plays events written as words to a {@link ConnectionMachine} and writes down its actions as words, so that a rule is
 * one row of a table. The clock stands still except for {@code N ns pass}.
 */
final class MachineScript implements ConnectionActions {

    static final int CONNECT_TIMEOUT = 100;
    static final int RETRIES = 2;
    static final int IDLE_TIMEOUT = 1000;
    static final int HALF_CLOSE_TIMEOUT = 500;
    static final int FLUSH_TIMEOUT = 50;
    static final int BUFFER = 10;

    static final ConnectionLimits LIMITS = new ConnectionLimits(CONNECT_TIMEOUT, RETRIES, IDLE_TIMEOUT,
            HALF_CLOSE_TIMEOUT, FLUSH_TIMEOUT, BUFFER);

    private final ConnectionMachine machine;
    private final List<String> actions = new ArrayList<>();
    private @Nullable ConnectFailure lastFailure;
    private long now;

    MachineScript() {
        this(LIMITS);
    }

    MachineScript(ConnectionLimits limits) {
        machine = new ConnectionMachine(limits, this);
    }

    ConnectionMachine machine() {
        return machine;
    }

    long now() {
        return now;
    }

    /** The actions since the last call, {@code nothing} if there were none. */
    String actions() {
        String text = actions.isEmpty() ? "nothing" : String.join(", ", actions);
        actions.clear();
        return text;
    }

    /** Events with commas between. */
    MachineScript play(String events) {
        for (String event : events.split(", *", -1)) {
            playOne(event);
        }
        return this;
    }

    private void playOne(String event) {
        String[] words = event.split(" ", -1);
        switch (event) {
            case "start" -> machine.start(now);
            case "connected" -> machine.connected(now);
            case "refused" -> failed(ConnectFailure.REFUSED);
            case "unreachable" -> failed(ConnectFailure.UNREACHABLE);
            case "no local port" -> failed(ConnectFailure.NO_LOCAL_PORT);
            case "no descriptor" -> failed(ConnectFailure.LOCAL_RESOURCES);
            case "no endpoint" -> machine.noEndpoint(lastFailure);
            case "killed" -> machine.kill();
            case "ordered" -> machine.killByOrder();
            default -> {
                switch (words[1]) {
                    case "sends" -> machine.received(side(words[0]), Integer.parseInt(words[2]), now);
                    case "gets" -> machine.delivered(side(words[0]), Integer.parseInt(words[2]), now);
                    case "finishes" -> machine.finished(side(words[0]), now);
                    case "resets" -> machine.failed(side(words[0]), now);
                    case "refuses" -> machine.writeFailed(side(words[0]), now);
                    case "dies" -> {
                        machine.dead(side(words[0]));
                        machine.writeFailed(side(words[0]), now);
                    }
                    case "until" -> machine.drain(Long.parseLong(words[2]));
                    case "ns" -> {
                        now += Long.parseLong(words[0]);
                        machine.timer(now);
                    }
                    default -> throw new IllegalArgumentException(event);
                }
            }
        }
    }

    private void failed(ConnectFailure failure) {
        lastFailure = failure;
        machine.connectFailed(failure, now);
    }

    private static Side side(String word) {
        return Side.valueOf(word.toUpperCase(Locale.ROOT));
    }

    private static String word(Side side) {
        return side.name().toLowerCase(Locale.ROOT);
    }

    @Override
    public void connect() {
        actions.add("connect");
    }

    @Override
    public void cancelConnect() {
        actions.add("cancel");
        lastFailure = ConnectFailure.TIMED_OUT;
    }

    @Override
    public void read(Side side, boolean enabled) {
        actions.add((enabled ? "read " : "pause ") + word(side));
    }

    @Override
    public void finish(Side side) {
        actions.add("finish " + word(side));
    }

    @Override
    public void close(Side side) {
        actions.add("close " + word(side));
    }

    @Override
    public void reset(Side side) {
        actions.add("reset " + word(side));
    }

    @Override
    public void resetAfterDelivery(Side side) {
        actions.add("reset " + word(side) + " after delivery");
    }

    @Override
    public void ended(Termination termination) {
        actions.add(termination.name());
    }
}
