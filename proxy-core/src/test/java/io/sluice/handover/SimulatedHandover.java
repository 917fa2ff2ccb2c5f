package io.sluice.handover;

import io.sluice.reconcile.SocketOwnership;
import io.sluice.simulation.World;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;

/** The old process's side of hand-overs: the real machine, and the real steps of its sockets; words are events of the world. */
public final class SimulatedHandover {

    /** The new process's side. */
    public interface Successor {

        /** It was told this word. */
        void told(String word);

        /** The connection has ended. */
        void hungUp();
    }

    private static final long ON_THE_WAY = 1_000_000L;

    private final World world;
    private final SocketOwnership sockets;
    private final Runnable passFlows;
    private final HandoverMachine machine = new HandoverMachine(new Actions());
    private final Map<Integer, Successor> peers = new HashMap<>();
    private int last;

    /**
     * Nobody follows yet.
     *
     * @param passFlows gives the flows of datagrams to the process that follows
     */
    public SimulatedHandover(World world, SocketOwnership sockets, Runnable passFlows) {
        this.passFlows = passFlows;
        this.world = world;
        this.sockets = sockets;
    }

    /** A new process comes, and says what it is. Returns its number. */
    public int arrive(Successor successor) {
        int id = ++last;
        peers.put(id, successor);
        machine.arrived(id, world.nanoTime());
        say(id, HandoverWord.HELLO.name());
        return id;
    }

    /** A new process says a word. */
    public void say(int id, String word) {
        machine.said(id, HandoverWord.valueOf(word), world.nanoTime());
        wind();
    }

    private void wind() {
        long deadline = machine.deadline();
        if (deadline != Long.MAX_VALUE) {
            world.after(deadline - world.nanoTime(), () -> {
                if (machine.deadline() <= world.nanoTime()) {
                    machine.timer(world.nanoTime());
                    wind();
                }
            });
        }
    }

    private void send(int id, Consumer<Successor> what) {
        Successor successor = peers.get(id);
        if (successor != null) {
            world.after(ON_THE_WAY, () -> what.accept(successor));
        }
    }

    /** As {@link HandoverServer} carries them out. */
    private final class Actions implements HandoverActions {

        @Override
        public void offer(int peer) {
            sockets.offer().thenRun(() -> tell(peer, HandoverWord.THAT_IS_ALL));
        }

        @Override
        public void yieldAddresses(int peer) {
            sockets.yieldAddresses().thenRun(() -> tell(peer, HandoverWord.YIELDED));
        }

        @Override
        public void resume(int peer) {
            sockets.own();
        }

        @Override
        public void release(int peer) {
            passFlows.run();
            sockets.release().thenRun(() -> tell(peer, HandoverWord.RELEASED));
        }

        @Override
        public void tell(int peer, HandoverWord word) {
            send(peer, successor -> successor.told(word.name()));
        }

        @Override
        public void hangUp(int peer) {
            send(peer, Successor::hungUp);
        }
    }
}
