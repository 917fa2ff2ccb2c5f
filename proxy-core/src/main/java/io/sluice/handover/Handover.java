package io.sluice.handover;

import io.sluice.handover.HandoverClient.Answer;
import io.sluice.liveness.FatalErrors;
import io.sluice.proxy.DataPath;
import io.sluice.proxy.FlowPassing;
import io.sluice.reconcile.HandOrders;
import io.sluice.reconcile.SocketOwnership;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A restart that refuses nobody: takes the listening sockets of the daemon that runs, and gives them to the next one.
 *
 * <p>The new process asks for the sockets when it knows its Services, so that it holds up the old one for milliseconds; the
 * old one limits that time anyway ({@link HandoverServer}), and comes back from every step before the last.
 */
public final class Handover implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Handover.class);

    /** The time limit of a start: longer than an undisturbed handover ever takes. */
    private static final Duration START = Duration.ofSeconds(20);
    /** The pause after a step that failed for a reason that may last. */
    private static final Duration PAUSE = Duration.ofSeconds(10);
    private static final Duration LOOK_UP = Duration.ofMillis(50);
    private static final int ATTEMPTS = 10;

    /** The addresses that two processes cannot have at once: admin, health checks, DNS. */
    public interface Addresses {

        /**
         * Listens on them.
         *
         * @throws IOException if that is not possible; the message is for the user
         */
        void enter() throws IOException;

        /** Listens on them again after {@link #leave}, as soon as that is possible. */
        void enterAgain();

        /** They are free when this returns. */
        void leave();
    }

    private enum Outcome {
        /** This process serves now. */
        OWNER,
        /** The next attempt follows at once. */
        AGAIN,
        /** The next attempt follows after a pause. */
        LATER,
        /** A process that was started later serves. */
        SUPERSEDED,
        /** This process ends. */
        ENDED
    }

    private final Path path;
    private final DataPath dataPath;
    private final SocketOwnership sockets;
    private final HandOrders orders;
    private final Addresses addresses;
    private final Runnable deserted;
    private final CompletableFuture<Void> succeeded = new CompletableFuture<>();
    private final CompletableFuture<Void> followed = new CompletableFuture<>();
    private volatile @Nullable HandoverServer server;
    private volatile @Nullable HandoverClient client;
    private volatile @Nullable Thread follower;
    private volatile boolean starting = true;
    private volatile boolean othersServe;
    private volatile boolean closed;
    /** Used by the follower's thread: the old process has refused today's protocol twice. */
    private boolean earlierProtocol;
    private String told = "";

    /**
     * Does nothing yet.
     *
     * @param path      of the Unix socket at which daemons find each other
     * @param orders    what operators have ordered, which goes from one process to the next
     * @param addresses the addresses that this process leaves before the next one listens on them
     * @param deserted  called when the process before this one has died in the middle of a handover
     * @throws IOException if sockets cannot be handed over with this transport; the message is for the user
     */
    public Handover(Path path, DataPath dataPath, SocketOwnership sockets, HandOrders orders,
            Addresses addresses, Runnable deserted) throws IOException {
        if (!dataPath.hasNativeSockets()) {
            throw new IOException("--handover-socket does not work with the transport nio");
        }
        this.path = path;
        this.dataPath = dataPath;
        this.sockets = sockets;
        this.orders = orders;
        this.addresses = addresses;
        this.deserted = deserted;
    }

    /**
     * Looks for a daemon to succeed; without one, a later daemon may succeed this one from now on.
     *
     * @return whether there is one: then this process must not serve before {@link #follow}
     * @throws IOException if the path cannot be used; the message is for the user, and the path is unchanged
     */
    public boolean begin() throws IOException {
        try {
            if (find() == Outcome.OWNER) {
                return false;
            }
        } catch (IOException e) {
            // Another process may serve here.
            othersServe = true;
            throw new IOException("--handover-socket " + e.getMessage(), e);
        }
        othersServe = true;
        sockets.standBy();
        return true;
    }

    /**
     * Takes over from the daemon that was found, once Services are known; goes on trying until it is done, that daemon is
     * gone, or this one is superseded.
     *
     * @param known completes when the reconciler has a snapshot
     * @throws IOException if Services are known, and this process cannot serve at one of its addresses
     */
    public void follow(CompletableFuture<Void> known) throws IOException {
        follower = Thread.ofPlatform().name("sluice-handover").daemon().start(FatalErrors.vital(() -> run(known)));
        try {
            if (known.isDone()) {
                followed.get(START.toMillis(), TimeUnit.MILLISECONDS);
            }
        } catch (TimeoutException e) {
            LOG.warn("the daemon at {} has not handed over yet; it goes on to serve, and is asked again", path);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IllegalStateException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            starting = false;
        }
    }

    private void run(CompletableFuture<Void> known) {
        try {
            while (true) {
                switch (attempt(known)) {
                    case OWNER -> {
                        othersServe = false;
                        followed.complete(null);
                        return;
                    }
                    case SUPERSEDED -> {
                        LOG.info("a process that was started later serves now; this one ends");
                        followed.complete(null);
                        succeeded.complete(null);
                        return;
                    }
                    case ENDED -> {
                        followed.complete(null);
                        return;
                    }
                    case LATER -> TimeUnit.MILLISECONDS.sleep(PAUSE.toMillis());
                    case AGAIN -> TimeUnit.MILLISECONDS.sleep(LOOK_UP.toMillis());
                }
            }
        } catch (IOException e) {
            followed.completeExceptionally(e);
        } catch (InterruptedException e) {
            followed.complete(null);
        } finally {
            disconnect();
        }
    }

    /** Goes through all steps of a handover, or up to the one that fails. */
    private Outcome attempt(CompletableFuture<Void> known) throws IOException, InterruptedException {
        if (closed) {
            return Outcome.ENDED;
        }
        HandoverClient old = client;
        if (old == null && !earlierProtocol) {
            Outcome found = findAgain();
            return found == Outcome.OWNER ? serveAlone() : found;
        }
        Outcome waited = old == null ? awaitEarlier(known) : await(old, known);
        if (waited != Outcome.OWNER) {
            return waited;
        }
        old = client;
        if (old == null) {
            return Outcome.AGAIN;
        }
        Answer requested = old.request();
        if (requested != Answer.DONE) {
            return after(requested);
        }
        List<Integer> descriptors = old.take();
        LOG.info("taking over {} listening sockets from the daemon at {}", descriptors.size(), path);
        dataPath.holdAccepts();
        dataPath.inherit(descriptors);
        sockets.share().join();
        Answer ready = old.ready();
        boolean orphaned = isOver(ready);
        if (ready != Answer.DONE && !orphaned) {
            retreat();
            return after(ready);
        }
        takeOrders(old);
        try {
            addresses.enter();
        } catch (IOException e) {
            retreat();
            if (starting) {
                throw e;
            }
            disconnect();
            LOG.error("not taking over: {}", e.getMessage());
            return Outcome.LATER;
        }
        dataPath.acceptConnections();
        if (!orphaned) {
            old.flows(dataPath.datagrams()::resumeFlows);
        }
        dataPath.accept();
        Answer serving = orphaned ? ready : old.serving();
        if (serving != Answer.DONE && !isOver(serving)) {
            addresses.leave();
            retreat();
            return after(serving);
        }
        if (serving == Answer.DONE) {
            LOG.info("the daemon before this one accepts no more; it ends when its connections have");
        } else {
            LOG.info("the daemon before this one is gone; its listening sockets are served here");
            deserted.run();
        }
        succeed(old);
        return Outcome.OWNER;
    }

    /** Before this process accepts its first connection. */
    private void takeOrders(HandoverClient old) {
        try {
            orders.resume(old.orders()).join();
        } catch (IOException e) {
            LOG.warn("what operators have ordered by hand has ended with the process before this one: {}",
                    e.getMessage());
        }
    }

    /** Whether the old process ends and leaves its sockets to this one: it has not withdrawn them. */
    private static boolean isOver(Answer answer) {
        return answer == Answer.GONE || answer == Answer.MOVED;
    }

    /** {@link Outcome#OWNER} when Services are known and the old process is still there. */
    private Outcome await(HandoverClient old, CompletableFuture<Void> known) throws IOException {
        while (!known.isDone()) {
            Answer news = old.news();
            if (news != Answer.SILENT) {
                return after(news);
            }
        }
        return Outcome.OWNER;
    }

    /** The earlier protocol has no waiting, so this process connects only when it knows its Services. */
    private Outcome awaitEarlier(CompletableFuture<Void> known) throws IOException, InterruptedException {
        while (!known.isDone()) {
            if (closed) {
                return Outcome.ENDED;
            }
            TimeUnit.MILLISECONDS.sleep(LOOK_UP.toMillis());
        }
        HandoverClient old = HandoverClient.connect(path).orElse(null);
        if (old == null) {
            earlierProtocol = false;
            return Outcome.AGAIN;
        }
        old.speakEarlierProtocol();
        client = old;
        return Outcome.OWNER;
    }

    private Outcome after(Answer answer) {
        return switch (answer) {
            case DONE, WITHDRAWN -> Outcome.AGAIN;
            case SUPERSEDED -> Outcome.SUPERSEDED;
            case ABANDONED -> Outcome.ENDED;
            case MOVED, GONE -> {
                disconnect();
                boolean refused = earlierProtocol;
                earlierProtocol = false;
                yield refused ? Outcome.LATER : Outcome.AGAIN;
            }
            case SILENT -> {
                disconnect();
                tell("the daemon at " + path + " does not answer; it is asked again until it does or is gone");
                yield Outcome.LATER;
            }
            case MISUNDERSTOOD -> {
                disconnect();
                tell("the program at " + path + " does not hand over its sockets; it is asked again until it is gone");
                yield Outcome.LATER;
            }
        };
    }

    /** Logs a line once, not with each attempt. */
    private void tell(String line) {
        if (!line.equals(told)) {
            told = line;
            LOG.warn("{}", line);
        }
    }

    /**
     * Looks for a process at the path.
     *
     * @return OWNER if there was none, and this process listens there now; AGAIN if {@link #client} is connected to another
     */
    private Outcome find() throws IOException {
        int gone = 0;
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            HandoverClient found = HandoverClient.connect(path).orElse(null);
            if (found == null) {
                Optional<HandoverServer> own = HandoverServer.open(path, new Old());
                if (own.isPresent()) {
                    server = own.get();
                    return Outcome.OWNER;
                }
            } else {
                client = found;
                switch (found.greet()) {
                    case DONE -> {
                        LOG.info(
                                "a daemon serves already (it is at {}); this one takes over when it knows its Services",
                                path);
                        return Outcome.AGAIN;
                    }
                    case GONE -> {
                        gone++;
                        disconnect();
                        if (gone > 1) {
                            LOG.info("the daemon at {} is of an earlier version", path);
                            earlierProtocol = true;
                            return Outcome.AGAIN;
                        }
                    }
                    case SILENT -> {
                        return after(Answer.SILENT);
                    }
                    case SUPERSEDED -> {
                        return Outcome.SUPERSEDED;
                    }
                    case ABANDONED -> {
                        return Outcome.ENDED;
                    }
                    case MISUNDERSTOOD -> throw new IOException(
                            path + ": the program that is there is no Sluice daemon; choose another path");
                    case WITHDRAWN, MOVED -> disconnect();
                }
            }
        }
        throw new IOException(path + ": who is there changes faster than it can be asked; try again");
    }

    /** As {@link #find}; but later than at the start, an unusable path is no reason to end. */
    private Outcome findAgain() {
        try {
            return find();
        } catch (IOException e) {
            disconnect();
            LOG.warn("no process can take over from this one: --handover-socket {}", e.getMessage());
            return Outcome.OWNER;
        }
    }

    /** Begins to serve: the old process is gone before it handed over a socket. */
    private Outcome serveAlone() throws IOException {
        LOG.info("no other daemon serves any more; this one begins");
        deserted.run();
        try {
            addresses.enter();
        } catch (IOException e) {
            if (starting) {
                throw e;
            }
            LOG.error("{}", e.getMessage());
            addresses.enterAgain();
        }
        dataPath.accept();
        sockets.own().join();
        return Outcome.OWNER;
    }

    private void succeed(HandoverClient old) throws IOException {
        Optional<HandoverServer> next = old.succeed(new Old());
        try {
            server = next.isPresent() ? next.get() : HandoverServer.open(path, new Old()).orElse(null);
            if (server == null) {
                LOG.warn("no process can take over from this one: another one is at {}", path);
            }
        } catch (IOException e) {
            LOG.warn("no process can take over from this one: --handover-socket {}", e.getMessage());
        }
        sockets.own().join();
        int left = dataPath.disinherit();
        if (left > 0) {
            LOG.info("listening sockets that are not wanted any more: {}", left);
        }
    }

    private void retreat() {
        sockets.retreat().join();
        dataPath.disinherit();
    }

    private void disconnect() {
        HandoverClient old = client;
        client = null;
        if (old != null) {
            try {
                old.close();
            } catch (IOException e) {
                LOG.debug("leaving the daemon before this one: {}", e.getMessage());
            }
        }
    }

    /** This process in the role of the old one. On the server's thread. */
    private final class Old implements HandoverServer.OldProcess {

        private boolean yielded;

        @Override
        public List<Integer> offer() {
            return sockets.offer().join();
        }

        @Override
        public void yieldAddresses() {
            yielded = true;
            sockets.yieldAddresses().join();
            addresses.leave();
        }

        @Override
        public List<byte[]> orders() {
            return orders.messages();
        }

        @Override
        public void resume() {
            if (yielded) {
                yielded = false;
                addresses.enterAgain();
            }
            sockets.own().join();
        }

        @Override
        public void passFlows(FlowPassing.Sink sink) {
            dataPath.datagrams().passFlows(sink);
        }

        @Override
        public void release() {
            othersServe = true;
            sockets.release().join();
            if (!yielded) {
                addresses.leave();
            }
        }

        @Override
        public void succeeded() {
            succeeded.complete(null);
        }
    }

    /**
     * Whether another process serves in the place of this one: the routes and rules that it needs must stay. Any thread.
     */
    public boolean othersServe() {
        return othersServe;
    }

    /** Whether another process gets ready to take over. Any thread. */
    public boolean awaited() {
        HandoverServer open = server;
        return open != null && open.awaited();
    }

    /**
     * Called before this process ends: gives up an unfinished takeover, or waits until no process gets ready to take over.
     *
     * @param longest the limit for a process that gets ready; for one that has the sockets already, this process waits
     *                until that one serves or is too late
     */
    public void leave(Duration longest) {
        abandon();
        long deadline = System.nanoTime() + longest.toNanos();
        boolean waits = false;
        try {
            for (HandoverServer open = server; open != null && !closed
                    && (open.offered() || open.awaited() && System.nanoTime() < deadline);) {
                if (!waits) {
                    waits = true;
                    LOG.info("waiting until the new process accepts");
                }
                TimeUnit.MILLISECONDS.sleep(LOOK_UP.toMillis());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Completes when another daemon serves in the place of this one. */
    public CompletableFuture<Void> succeeded() {
        return succeeded;
    }

    /** Ends the follower's thread at any step; then this process has all sockets or none. */
    private void abandon() {
        Thread running = follower;
        if (running == null || followed.isDone()) {
            return;
        }
        closed = true;
        HandoverClient old = client;
        if (old != null) {
            old.abandon();
        }
        running.interrupt();
        try {
            running.join(START.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        abandon();
        closed = true;
        HandoverServer open = server;
        if (open != null) {
            open.close();
        }
    }
}
