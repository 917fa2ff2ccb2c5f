package io.sluice.linux;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** The process's file descriptors. Any thread. */
final class OpenFiles {

    /** Other threads open and close files during the count: this near to the limit, it was reached a moment ago. */
    private static final long NEAR = 8;

    private OpenFiles() {}

    /**
     * Whether the limit of open files (RLIMIT_NOFILE, getrlimit(2)) is nearly reached. Callers ask when the JDK has failed
     * to open a socket and does not say why.
     */
    static boolean areUsedUp() {
        if (!(ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system)) {
            return false;
        }
        try {
            return areUsedUp(system.getOpenFileDescriptorCount(), system.getMaxFileDescriptorCount());
        } catch (InternalError e) {
            return true; // counting them takes a descriptor, and none is left
        }
    }

    static boolean areUsedUp(long open, long limit) {
        return open >= 0 && limit > 0 && open + NEAR >= limit;
    }
}
