package io.sluice.operator;

import org.jspecify.annotations.Nullable;

/** Changes what is logged while the process runs. Any thread. */
@FunctionalInterface
public interface LogSwitch {

    /**
     * Logs messages of this level and above from now on.
     *
     * @param level  {@code error}, {@code warn}, {@code info}, {@code debug} or {@code trace}; null for what it was at the start
     * @param logger only those of this logger and the ones below it; null for all
     * @throws IllegalArgumentException if there is no such level; the message is for the operator
     */
    void level(@Nullable String level, @Nullable String logger);
}
