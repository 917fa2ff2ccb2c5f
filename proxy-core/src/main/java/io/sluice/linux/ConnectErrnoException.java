package io.sluice.linux;

import java.net.ConnectException;
import org.jspecify.annotations.Nullable;

/** connect(2) failed, at once or later; like {@link ErrnoException}, but of the JDK's class for that. */
public final class ConnectErrnoException extends ConnectException implements SystemError {

    private static final long serialVersionUID = 1L;

    private final int number;

    /** @param number positive */
    public ConnectErrnoException(int number) {
        super("connect: " + Errno.meaning(number));
        this.number = number;
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
