package io.sluice.source;

import io.sluice.liveness.ThreadKind;
import io.sluice.liveness.Watched;

/** A thread that waits for news for as long as it takes: only its end says that something is wrong. */
public record SourceThread(Thread thread) implements Watched {

    /** Whether it is no more. */
    public boolean ended() {
        return !thread.isAlive();
    }

    @Override
    public ThreadKind kind() {
        return ThreadKind.SOURCE;
    }

    @Override
    public String name() {
        return thread.getName();
    }

    @Override
    public long progress() {
        return 0;
    }

    @Override
    public boolean busy() {
        return false;
    }
}
