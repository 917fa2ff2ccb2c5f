package io.sluice.linux;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** A system call failed; the message is {@code call: meaning of the error number}, in English. */
public final class ErrnoException extends IOException implements SystemError {

    private static final long serialVersionUID = 1L;

    private final int number;

    /** @param number positive */
    public ErrnoException(String call, int number) {
        super(call + ": " + Errno.meaning(number));
        this.number = number;
    }

    /** The same with a known number. */
    public ErrnoException(String call, Errno errno) {
        this(call, errno.number());
    }

    @Override
    public int number() {
        return number;
    }

    @Override
    public @Nullable Errno errno() {
        return Errno.of(number);
    }
}
