package io.sluice.reconcile;

import java.util.List;
import org.slf4j.Logger;

/** Limits the lines that are logged at once about any number of Services. */
final class LineLimit {

    /** The most lines of one kind. */
    static final int LINES = 10;

    private LineLimit() {}

    /** Logs the first lines as warnings, and the number of the others. */
    static void warn(Logger log, List<String> lines) {
        lines.stream().limit(LINES).forEach(log::warn);
        if (lines.size() > LINES) {
            log.warn("… and {} more of this kind; 'sluice get services -A -o wide' lists them", lines.size() - LINES);
        }
    }
}
