package io.sluice.reconcile;

import java.util.List;
import org.slf4j.Logger;

/** The number of lines that are logged at once about any number of Services. */
final class LineLimit {

    /** Lines of a kind. */
    static final int LINES = 10;

    private LineLimit() {}

    /** Warns of the first ones, and says how many there are besides. */
    static void warn(Logger log, List<String> lines) {
        lines.stream().limit(LINES).forEach(log::warn);
        if (lines.size() > LINES) {
            log.warn("… and {} more of this kind; 'sluice get services -A -o wide' lists them", lines.size() - LINES);
        }
    }
}
