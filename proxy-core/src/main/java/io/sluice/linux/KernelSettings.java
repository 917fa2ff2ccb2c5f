package io.sluice.linux;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalLong;

/** Settings of the kernel, proc_sys(5). Any thread. */
public final class KernelSettings {

    /** More than a number has. */
    private static final int LONGEST = 32;

    private KernelSettings() {}

    /** The number in a file below {@code /proc/sys}; empty if it cannot be read, or is no number. */
    public static OptionalLong number(Path file) {
        // The kernel gives the number to the first read alone, cut to its size; reading all bytes begins with a single one.
        try (InputStream in = Files.newInputStream(file)) {
            byte[] content = new byte[LONGEST];
            int length = in.read(content);
            return length <= 0
                    ? OptionalLong.empty()
                    : OptionalLong.of(
                            Long.parseLong(new String(content, 0, length, StandardCharsets.US_ASCII).strip()));
        } catch (IOException | NumberFormatException e) {
            return OptionalLong.empty();
        }
    }
}
