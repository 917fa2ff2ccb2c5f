package io.sluice.proxy;

import java.util.OptionalInt;
import java.util.concurrent.CompletionStage;

/** An open socket, as who closes it or gives it to another process sees it. */
public interface OpenSocket {

    /** Closes it; what it has accepted goes on. */
    CompletionStage<Void> stop();

    /** Its descriptor, to be given to another process; empty where it cannot be. */
    OptionalInt descriptor();
}
