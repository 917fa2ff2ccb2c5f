package io.sluice.node;

import java.io.IOException;

/** A system call failed; the message is {@code call: text of the error number}. */
final class ErrnoException extends IOException {

    static final int EPERM = 1;
    static final int ENOENT = 2;
    static final int ESRCH = 3;
    static final int EINTR = 4;
    static final int EAGAIN = 11;
    static final int EACCES = 13;
    static final int EEXIST = 17;
    static final int EPROTOTYPE = 91;
    static final int EADDRINUSE = 98;
    static final int ENETDOWN = 100;
    static final int ENOBUFS = 105;
    static final int ECONNREFUSED = 111;

    private static final long serialVersionUID = 1L;

    private final int errno;

    ErrnoException(String call, int errno) {
        super(call + ": " + SystemCalls.text(errno));
        this.errno = errno;
    }

    int errno() {
        return errno;
    }
}
