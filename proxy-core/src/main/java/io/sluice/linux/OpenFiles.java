package io.sluice.linux;

import com.sun.management.UnixOperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** The process's file descriptors. Any thread. */
final class OpenFiles {

    /** Others open and close files while one looks: so near to the limit it was reached a moment ago. */
    private static final long NEAR = 8;

    private OpenFiles() {}

    /**
     * Whether the limit of open files (RLIMIT_NOFILE, getrlimit(2)) is as good as reached. It is asked by whom the JDK has
     * told that a socket cannot be had, but not why.
     */
    static boolean areUsedUp() {
        if (!(ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean system)) {
            return false;
        }
        try {
            return areUsedUp(system.getOpenFileDescriptorCount(), system.getMaxFileDescriptorCount());
        } catch (InternalError e) {
            return true; // to count them takes a descriptor, which is not to be had
        }
    }

    static boolean areUsedUp(long open, long limit) {
        return open >= 0 && limit > 0 && open + NEAR >= limit;
    }
}
