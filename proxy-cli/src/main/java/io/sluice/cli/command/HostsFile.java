package io.sluice.cli.command;

import io.sluice.source.InputFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The block of ours in hosts(5), between two lines that mark it. Everything else in the file stays as it is. */
final class HostsFile {

    static final Path SYSTEM = Path.of("/etc/hosts");

    static final String BEGIN = "# BEGIN sluice: names of Services; 'sluice hosts --remove' takes them out";
    static final String END = "# END sluice";

    private HostsFile() {}

    /**
     * {@code text} with the block, in place of one that is there.
     *
     * @param lines those of the block, each ended; none to take it out
     * @throws FailureException if the block that is there has no end
     */
    static String with(String text, String lines) throws FailureException {
        List<String> kept = new ArrayList<>();
        boolean inside = false;
        for (String line : text.isEmpty() ? List.<String>of() : List.of(text.split("(?<=\n)", -1))) {
            String bare = line.strip();
            if (bare.equals(BEGIN)) {
                inside = true;
            } else if (inside) {
                inside = !bare.equals(END);
            } else {
                kept.add(line);
            }
        }
        if (inside) {
            throw new FailureException("the file has the line '" + BEGIN + "' and no '" + END
                    + "': take out by hand what is ours");
        }
        String others = String.join("", kept);
        if (lines.isEmpty()) {
            return others;
        }
        return others + (others.isEmpty() || others.endsWith("\n") ? "" : "\n") + BEGIN + "\n" + lines + END + "\n";
    }

    /**
     * Puts the block into {@code file}, or takes it out. Readers see the old file or the new one, unless it is mounted, as in a
     * container, and cannot be replaced.
     *
     * @return whether the file has changed
     */
    static boolean write(Path file, String lines) throws FailureException {
        try {
            Path real = file.toRealPath();
            String before =
                    new String(InputFile.read(real, InputFile.SMALL), StandardCharsets.ISO_8859_1);
            String after = with(before, lines);
            if (after.equals(before)) {
                return false;
            }
            replace(real, after.getBytes(StandardCharsets.ISO_8859_1));
            return true;
        } catch (IOException e) {
            throw new FailureException(file + " cannot be written: " + InputFile.reason(e), e);
        }
    }

    private static void replace(Path file, byte[] octets) throws IOException {
        Path directory = file.getParent();
        Path next = Files.createTempFile(directory == null ? Path.of("/") : directory, "hosts-", ".sluice");
        try {
            Files.write(next, octets);
            Set<PosixFilePermission> permissions = Files.getPosixFilePermissions(file);
            Files.setPosixFilePermissions(next, permissions);
            if (!Files.getOwner(file).equals(Files.getOwner(next))) {
                Files.setOwner(next, Files.getOwner(file));
            }
            try {
                Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } catch (FileSystemException e) {
                Files.write(file, octets); // something is mounted there
            }
        } finally {
            Files.deleteIfExists(next);
        }
    }
}
