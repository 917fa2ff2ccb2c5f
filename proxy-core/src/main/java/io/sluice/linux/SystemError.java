package io.sluice.linux;

import org.jspecify.annotations.Nullable;

/** An exception of ours that carries the error number: {@link Errno}. */
public sealed interface SystemError permits ErrnoException, ConnectErrnoException {

    /** Positive, errno(3). */
    int number();

    /** The same; null for a number that errno(3) does not have. */
    @Nullable
    Errno errno();
}
