package io.sluice.live;

import io.sluice.liveness.Faults;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Draws pictures for the open pages, on a virtual thread that lives as long as one is open. Pages come and go on event loops,
 * which never wait for a picture.
 */
final class LiveBoard {

    /** How many pages may be open at the same time. */
    static final int MOST_PAGES = 4;

    /** What the next one is told. */
    static final String TOO_MANY =
            MOST_PAGES + " pages are open already: close one of them, or use 'sluice get services -w'";

    private static final Duration SHORTEST_PAUSE = Duration.ofSeconds(1);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    /** At most one part of this many of the time of a processor is spent on pictures. */
    private static final int SHARE = 10;
    /** A change of this many Services makes the pause a second longer, for the sake of those who show them. */
    private static final int ROWS_A_SECOND = 2500;

    /** Makes the picture after another one; on the board's thread. */
    @FunctionalInterface
    interface Painter {
        LivePicture after(LivePicture last);
    }

    private final Painter painter;
    private final Duration shortestPause;
    private final Set<Runnable> pages = new LinkedHashSet<>();
    /** Counted down when the last page is closed; null while none is open. */
    private @Nullable CountDownLatch closed;
    private volatile LivePicture picture = LivePicture.EMPTY;

    LiveBoard(Painter painter) {
        this(painter, SHORTEST_PAUSE);
    }

    LiveBoard(Painter painter, Duration shortestPause) {
        this.painter = painter;
        this.shortestPause = shortestPause;
    }

    /** Whether there are as many pages as may be. */
    synchronized boolean isFull() {
        return pages.size() >= MOST_PAGES;
    }

    /** A page is open: {@code wake} is called after each picture. False if there are too many. */
    synchronized boolean join(Runnable wake) {
        if (isFull()) {
            return false;
        }
        pages.add(wake);
        if (closed == null) {
            CountDownLatch end = new CountDownLatch(1);
            closed = end;
            Thread.ofVirtual().name("sluice-live").start(() -> draw(end));
        }
        return true;
    }

    /** A page is closed. */
    synchronized void leave(Runnable wake) {
        pages.remove(wake);
        if (pages.isEmpty() && closed != null) {
            closed.countDown();
            closed = null;
            picture = LivePicture.EMPTY;
        }
    }

    /** The last picture; {@link LivePicture#EMPTY} before the first. */
    LivePicture picture() {
        return picture;
    }

    /** Until {@code end}, or until this thread is interrupted, which nobody does. */
    private void draw(CountDownLatch end) {
        try {
            Duration pause = Duration.ZERO;
            while (!end.await(pause.toMillis(), TimeUnit.MILLISECONDS)) {
                long began = System.nanoTime();
                Faults.contained("drawing the live page", () -> drawOne(end)).run();
                pause = pause(Duration.ofNanos(System.nanoTime() - began));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void drawOne(CountDownLatch end) {
        LivePicture next = painter.after(picture);
        List<Runnable> awake;
        synchronized (this) {
            if (!Objects.equals(closed, end)) {
                return;
            }
            picture = next;
            awake = List.copyOf(pages);
        }
        awake.forEach(Runnable::run);
    }

    private Duration pause(Duration took) {
        Duration rows = Duration.ofMillis(1000L * picture.changed() / ROWS_A_SECOND);
        Duration pause = shortestPause.plus(rows).compareTo(took.multipliedBy(SHARE)) > 0
                ? shortestPause.plus(rows)
                : took.multipliedBy(SHARE);
        return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
    }
}
