package io.sluice.cli.render;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/** Whether an output stream is a terminal that shows colours. */
public final class Terminal {

    /** File descriptor of standard output. */
    public static final int STDOUT = 1;
    /** File descriptor of standard error. */
    public static final int STDERR = 2;

    private Terminal() {}

    /**
     * Whether to colour what is written to {@code descriptor}: it is a terminal, {@code NO_COLOR} is not set (to
     * anything but the empty text) and {@code TERM} is not {@code dumb}.
     */
    public static boolean colours(int descriptor, Map<String, String> environment) {
        return environment.getOrDefault("NO_COLOR", "").isEmpty() && !"dumb".equals(environment.get("TERM"))
                && isTerminal(descriptor);
    }

    /**
     * Clears the terminal at standard output: "cursor position" and "erase in page" (ECMA-48, 8.3.21 and 8.3.39). What was
     * printed before has to be flushed.
     */
    public static void clear() {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.US_ASCII);
        out.print("\u001b[H\u001b[2J");
        out.flush();
    }

    /** Whether {@code descriptor} of this process is a terminal; false where the system does not report it. */
    public static boolean isTerminal(int descriptor) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException e) {
            return Objects.requireNonNull(System.console()).isTerminal();
        }
    }
}
