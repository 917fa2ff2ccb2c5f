package io.sluice.daemon;

import io.sluice.node.Predecessor;
import io.sluice.node.Succession;
import io.sluice.proxy.DataPath;
import io.sluice.reconcile.Reconciler;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A restart that refuses nobody: takes the listening sockets of the daemon that runs, and gives them to the next one.
 *
 * <p>{@link #begin} before the first snapshot, {@link #complete} after it was applied.
 */
final class Handover implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(Handover.class);

    private final Path path;
    private final DataPath dataPath;
    private final Reconciler reconciler;
    private final Runnable leaveAddresses;
    private final CompletableFuture<Void> succeeded = new CompletableFuture<>();
    private @Nullable Predecessor predecessor;
    private @Nullable Succession succession;
    private volatile boolean released;
    private volatile CompletableFuture<Void> conversation = CompletableFuture.completedFuture(null);
    private boolean closed;

    Handover(Path path, DataPath dataPath, Reconciler reconciler, Runnable leaveAddresses) throws IOException {
        if (!dataPath.hasBareSockets()) {
            throw new IOException("--handover-socket does not work with the transport nio");
        }
        this.path = path;
        this.dataPath = dataPath;
        this.reconciler = reconciler;
        this.leaveAddresses = leaveAddresses;
    }

    /** Looks for a daemon to succeed; whether there is one. It accepts until {@link #complete}. */
    synchronized boolean begin() {
        try {
            predecessor = Predecessor.find(path).orElse(null);
        } catch (IOException e) {
            LOG.warn("the daemon at {} cannot be succeeded, starting beside it: {}", path, e.getMessage());
        }
        if (predecessor == null) {
            return false;
        }
        LOG.info("taking over {} listening sockets from the daemon at {}", predecessor.size(), path);
        dataPath.inherit(predecessor.take());
        reconciler.beside();
        return true;
    }

    /** This daemon serves: the predecessor may go, and a successor may come. */
    synchronized void complete() throws IOException {
        if (closed) {
            return;
        }
        Predecessor before = predecessor;
        if (before != null) {
            try (before) {
                before.takeOver();
                LOG.info("the daemon before this one accepts no more; it ends when its connections have");
            } catch (IOException e) {
                LOG.warn("the daemon before this one did not say that it accepts no more: {}", e.getMessage());
            }
            predecessor = null;
            int left = dataPath.disinherit();
            if (left > 0) {
                LOG.info("listening sockets that are not wanted any more: {}", left);
            }
        }
        succession = Succession.open(path, new Succession.Incumbent() {
            @Override
            public List<Integer> offer() {
                conversation = new CompletableFuture<>();
                return reconciler.offer().join();
            }

            @Override
            public void release() {
                released = true;
                reconciler.release().join();
                leaveAddresses.run();
                conversation.complete(null);
            }

            @Override
            public void resume() {
                reconciler.resume().join();
                conversation.complete(null);
            }

            @Override
            public void succeeded() {
                succeeded.complete(null);
            }
        });
    }

    /** Whether a successor accepts in the place of this daemon: what it needs of the node must stay. Any thread. */
    boolean released() {
        return released;
    }

    /** Whether a successor gets ready: it has the sockets, and does not accept yet. Any thread. */
    boolean succeeding() {
        return !conversation.isDone();
    }

    /** Waits until no successor is getting ready, {@code longest} at the most. */
    void awaitSuccessor(Duration longest) {
        CompletableFuture<Void> open = conversation;
        if (!open.isDone()) {
            LOG.info("waiting until the new process accepts");
            open.copy().completeOnTimeout(null, longest.toMillis(), TimeUnit.MILLISECONDS).join();
        }
    }

    /** Completes when a successor has taken over. */
    CompletableFuture<Void> succeeded() {
        return succeeded;
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (succession != null) {
            succession.close();
        }
        if (predecessor != null) {
            try {
                predecessor.close();
            } catch (IOException e) {
                LOG.debug("leaving the daemon before this one: {}", e.getMessage());
            }
        }
    }
}
