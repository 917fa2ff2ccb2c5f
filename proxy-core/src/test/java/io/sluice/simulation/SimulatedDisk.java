package io.sluice.simulation;

import java.io.IOException;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/** One file that outlives the daemon. */
public final class SimulatedDisk {

    private byte[] content = new byte[0];
    private boolean full;

    /** The file; empty if there is none. */
    public byte[] read() {
        return content.clone();
    }

    /** Replaces the file. */
    public void write(byte[] bytes) throws IOException {
        if (full) {
            throw new IOException("No space left on device");
        }
        content = bytes.clone();
    }

    void full(boolean now) {
        full = now;
    }

    /** The machine has lost the end of what was written, or a few bits. */
    void tear(RandomGenerator random) {
        if (content.length > 0) {
            if (random.nextBoolean()) {
                content = Arrays.copyOf(content, random.nextInt(content.length));
            } else {
                content[random.nextInt(content.length)] ^= (byte) (1 << random.nextInt(8));
            }
        }
    }
}
