package io.sluice.http;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * File descriptors that are kept for the time when the process has no others: one is released just before a connection is
 * accepted, and taken again when that is closed. Lives on one event loop.
 */
final class SpareDescriptors {

    private static final Logger LOG = LoggerFactory.getLogger(SpareDescriptors.class);
    private static final File NOTHING = new File("/dev/null");

    private final int wanted;
    private final Deque<FileInputStream> spare = new ArrayDeque<>();

    SpareDescriptors(int wanted) {
        this.wanted = wanted;
    }

    /** Takes as many as are missing and available; whether none is missing now. */
    boolean fill() {
        try {
            while (spare.size() < wanted) {
                spare.add(new FileInputStream(NOTHING));
            }
        } catch (IOException e) {
            LOG.debug("{} of {} spare descriptors: {}", spare.size(), wanted, e.getMessage());
        }
        return spare.size() == wanted;
    }

    /** Releases one to the process, if there is one. */
    boolean giveBack() {
        FileInputStream one = spare.poll();
        if (one == null) {
            return false;
        }
        try {
            one.close();
        } catch (IOException e) {
            LOG.debug("closing a spare descriptor: {}", e.getMessage());
        }
        return true;
    }

    void close() {
        while (giveBack()) {
            // the next
        }
    }
}
