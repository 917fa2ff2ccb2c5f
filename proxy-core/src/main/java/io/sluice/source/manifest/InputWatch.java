package io.sluice.source.manifest;

import io.sluice.liveness.Faults;
import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports changes in directories at once. Not every file system has such events, their number is limited, and directories
 * are replaced, so {@link ManifestSource} looks at the files periodically besides.
 */
final class InputWatch implements AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(InputWatch.class);
    private static final WatchEvent.Kind<?>[] KINDS = {StandardWatchEventKinds.ENTRY_CREATE,
            StandardWatchEventKinds.ENTRY_MODIFY, StandardWatchEventKinds.ENTRY_DELETE};
    /** File systems in which every change has an event; others may be written by other machines. */
    private static final Set<String> LOCAL = Set.of("btrfs", "ext2", "ext3", "ext4", "f2fs", "tmpfs", "xfs", "zfs");

    private final @Nullable WatchService service;

    /** Calls {@code changed} on a thread of its own, which must not block for long; until {@link #close}. */
    InputWatch(Runnable changed) {
        WatchService opened = null;
        try {
            opened = FileSystems.getDefault().newWatchService();
        } catch (IOException | UnsupportedOperationException e) {
            LOG.info("no file events ({}): edits are found by looking at the files", e.getMessage());
        }
        service = opened;
        if (opened != null) {
            WatchService watched = opened;
            Thread.ofVirtual().name("sluice-manifest-events")
                    .start(() -> follow(watched, Faults.contained("looking at changed files", changed)));
        }
    }

    private static void follow(WatchService service, Runnable changed) {
        try {
            while (true) {
                WatchKey key = service.take();
                key.pollEvents();
                key.reset();
                changed.run();
            }
        } catch (ClosedWatchServiceException e) {
            LOG.debug("file events end");
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /**
     * Watches {@code directories} as well; one may be watched already.
     *
     * @return whether every change in them will be reported; if not, some may be
     */
    boolean watch(Set<Path> directories) {
        if (service == null) {
            return false;
        }
        boolean all = true;
        for (Path directory : directories) {
            try {
                directory.register(service, KINDS);
                all &= LOCAL.contains(Files.getFileStore(directory).type());
            } catch (IOException e) {
                LOG.debug("no file events for {}: {}", directory, e.toString());
                all = false;
            } catch (ClosedWatchServiceException e) {
                return false;
            }
        }
        return all;
    }

    @Override
    public void close() {
        if (service != null) {
            try {
                service.close();
            } catch (IOException e) {
                LOG.debug("file events did not end well", e);
            }
        }
    }
}
