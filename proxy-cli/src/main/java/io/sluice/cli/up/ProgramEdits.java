package io.sluice.cli.up;

import io.sluice.daemon.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Follows edits of the file that says which programs play which Pods. An edit counts once two looks have seen the same file, so
 * that none is read half. A pipe is not looked at again. For one thread.
 */
final class ProgramEdits {

    /** Makes the plan of programs. */
    @FunctionalInterface
    interface Planning {

        /**
         * The plan for {@code programs}.
         *
         * @throws StartException if they cannot be run; one line for each mistake
         */
        ProgramPlan plan(List<Program> programs) throws StartException;
    }

    /** What tells an edited file from the one before. */
    private record Stamp(FileTime modified, long size, @Nullable Object key) {}

    private final Path file;
    private final Planning planning;
    private @Nullable Stamp read;
    private @Nullable Stamp seen;

    /** Takes {@code file} as read now. */
    ProgramEdits(Path file, Planning planning) {
        this.file = file;
        this.planning = planning;
        this.read = stamp();
        this.seen = read;
    }

    /**
     * The plan of an edit since the last look; empty if there was none, or it may go on.
     *
     * @throws StartException if the edit cannot be used; it is told once
     */
    Optional<ProgramPlan> look() throws StartException {
        Stamp now = stamp();
        Stamp before = seen;
        seen = now;
        if (now == null || !now.equals(before) || now.equals(read)) {
            return Optional.empty();
        }
        read = now;
        return Optional.of(planning.plan(ProgramFile.read(file)));
    }

    /** Null for no file, as between the two steps of an editor that replaces it. */
    private @Nullable Stamp stamp() {
        try {
            BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
            return now.isRegularFile() ? new Stamp(now.lastModifiedTime(), now.size(), now.fileKey()) : null;
        } catch (IOException e) {
            return null;
        }
    }
}
