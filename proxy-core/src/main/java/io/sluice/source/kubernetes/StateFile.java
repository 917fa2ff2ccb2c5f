package io.sluice.source.kubernetes;

import io.sluice.source.InputFile;
import io.sluice.source.InputFile.Kind;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The last good state on disk, in {@link StateFormat}.
 *
 * <p>A state is written to a temporary file beside it, flushed to the disk and renamed, so that there is always one whole
 * state. The state decides where traffic goes, so it is read only if no user but this one and root can have written it; and
 * as the path may be mistyped, only a state is ever replaced. Not thread-safe.
 */
final class StateFile {

    /** The largest file; a cluster of 10,000 Services needs a tenth of it. */
    private static final int MAX_BYTES = 256 * 1024 * 1024;
    private static final String NEXT = ".next";
    /** The age of a temporary file that no daemon writes any more. */
    private static final Duration ABANDONED_AGE = Duration.ofMinutes(10);
    private static final int WRITABLE_BY_OTHERS = 0022;
    /** In such a directory a user can neither rename nor delete the files of other users (inode(7)). */
    private static final int STICKY = 01000;
    private static final int BUFFER_BYTES = 64 * 1024;

    private final Path file;
    private final BooleanSupplier hurry;
    private boolean swept;

    /** @param hurry whether a thread waits for the end of a write, which then is not throttled; any thread */
    StateFile(Path file, BooleanSupplier hurry) {
        this.file = file;
        this.hurry = hurry;
    }

    /**
     * Replaces the state.
     *
     * @throws IOException if it cannot be written, or if the path is another file, which stays as it is
     */
    void write(SavedState state) throws IOException {
        Path directory = directory();
        Files.createDirectories(directory, permissions("rwx------"));
        refuseToReplaceOtherFiles();
        if (!swept) {
            sweep(directory);
            swept = true;
        }
        // CREATE_NEW: an existing link, or the file of another daemon, is never written to.
        Path next = Files.createTempFile(directory, file.getFileName() + ".", NEXT, permissions("rw-------"));
        try {
            write(state, next);
            Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        } finally {
            Files.deleteIfExists(next);
        }
    }

    private Path directory() throws IOException {
        Path directory = file.toAbsolutePath().getParent();
        if (directory == null) {
            throw new IOException("it is a directory, not a file");
        }
        return directory;
    }

    private static FileAttribute<Set<PosixFilePermission>> permissions(String words) {
        return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(words));
    }

    private void refuseToReplaceOtherFiles() throws IOException {
        try {
            Kind kind = InputFile.kind(file, LinkOption.NOFOLLOW_LINKS);
            if (kind != Kind.FILE) {
                throw new IOException("it is " + kind + ", not a file; it is left as it is: name another");
            }
            if (!isState(file)) {
                throw new IOException("there is a file that Sluice did not write; it is left as it is: name another");
            }
        } catch (NoSuchFileException e) {
            return;
        }
    }

    /** Whether a file is a state or the beginning of one: a file that was cut off, or an empty one, may be replaced. */
    private static boolean isState(Path path) throws IOException {
        try (InputStream in = Files.newInputStream(path, LinkOption.NOFOLLOW_LINKS)) {
            return StateFormat.mayBeState(in.readNBytes(StateFormat.BEGINNING_LENGTH));
        }
    }

    /** Deletes temporary files of daemons that were killed while they wrote. */
    private void sweep(Path directory) throws IOException {
        String begin = file.getFileName() + ".";
        try (DirectoryStream<Path> left = Files.newDirectoryStream(directory, path -> {
            String name = path.getFileName().toString();
            return name.startsWith(begin) && name.endsWith(NEXT)
                    && Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                    && Files.getLastModifiedTime(path).toInstant().isBefore(Instant.now().minus(ABANDONED_AGE))
                    && isState(path);
        })) {
            for (Path path : left) {
                Files.deleteIfExists(path);
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
    }

    private void write(SavedState state, Path next) throws IOException {
        try (FileChannel channel = FileChannel.open(next, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
            OutputStream out =
                    new BufferedOutputStream(new ThrottledOutput(Channels.newOutputStream(channel), hurry),
                            BUFFER_BYTES);
            StateFormat.write(state, out);
            out.flush();
            channel.force(true);
        }
    }

    /**
     * Reads the state that was written last; empty if there is no file.
     *
     * @throws IOException if it cannot be read, may be written by other users, or is no state; the message says so
     *                     without the file's name
     */
    Optional<SavedState> read(ObjectReader<EndpointSubsets> endpoints) throws IOException {
        byte[] bytes;
        try {
            Kind kind = InputFile.kind(file, LinkOption.NOFOLLOW_LINKS);
            if (kind != Kind.FILE) {
                throw new IOException("is " + kind + ", not a file");
            }
            trust();
            bytes = InputFile.read(file, (int) Math.min(MAX_BYTES, Runtime.getRuntime().maxMemory() / 4));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (FileSystemException e) {
            throw new IOException("cannot be read: " + InputFile.reason(e), e);
        }
        return Optional.of(StateFormat.read(bytes, endpoints));
    }

    /** A user who can write or replace the file would decide where traffic goes. */
    private void trust() throws IOException {
        Integer user = (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
        trust("", file, user, 0);
        trust("is in a directory that ", directory(), user, STICKY);
    }

    private static void trust(String what, Path path, @Nullable Integer user, int excuse) throws IOException {
        Map<String, Object> attributes = Files.readAttributes(path, "unix:uid,mode");
        Object owner = attributes.get("uid");
        if (!Integer.valueOf(0).equals(owner) && !Objects.equals(user, owner)) {
            throw new IOException(what + "belongs to another user (" + owner + "), and so is not used");
        }
        int mode = (Integer) Objects.requireNonNull(attributes.get("mode"));
        if ((mode & WRITABLE_BY_OTHERS) != 0 && (mode & excuse) == 0) {
            throw new IOException(what + "other users may write, and so is not used (chmod go-w " + path + ")");
        }
    }
}
