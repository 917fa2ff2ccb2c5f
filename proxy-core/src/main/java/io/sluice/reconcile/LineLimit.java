package io.sluice.reconcile;

import io.sluice.service.ServiceName;
import io.sluice.text.Printable;
import java.util.List;
import org.slf4j.Logger;

/** Limits what is logged at once about any number of Services. */
final class LineLimit {

    /** The most lines of one kind. */
    static final int LINES = 10;

    /** The most names in one line. */
    private static final int NAMES = 5;

    private LineLimit() {}

    /** Logs the first lines as warnings, and the number of the others. */
    static void warn(Logger log, List<NamedLine> lines) {
        lines.stream().limit(LINES).forEach(line -> line.log(log.atWarn()));
        if (lines.size() > LINES) {
            log.warn("… and {} more of this kind; 'sluice get services -A -o wide' lists them", lines.size() - LINES);
        }
    }

    /** {@code shop/api, shop/db and 12 more}. */
    static String names(List<ServiceName> names) {
        return Printable.first(names, NAMES);
    }
}
