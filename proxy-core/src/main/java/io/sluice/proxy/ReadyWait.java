package io.sluice.proxy;

import java.io.IOException;

/** How an event loop waits for one descriptor until it has something to read, again and again. Lives on the event loop. */
sealed interface ReadyWait permits EpollWait, UringWait {

    /** What is done then; it must not throw. */
    void begin(int descriptor, Runnable ready) throws IOException;
}
