package io.sluice.node;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The capabilities(7) of this process. */
final class Capabilities {

    private static final String EFFECTIVE = "CapEff:";

    private Capabilities() {}

    /** Whether capability number {@code bit} is in effect; false where that is unknown. */
    static boolean effective(int bit) {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream().filter(l -> l.startsWith(EFFECTIVE))
                    .anyMatch(l -> (Long.parseUnsignedLong(l.substring(EFFECTIVE.length()).strip(), 16)
                            >>> bit & 1) == 1);
        } catch (IOException e) {
            return false;
        }
    }
}
