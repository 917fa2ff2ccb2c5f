package io.sluice.source;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/**
 * Reads files that others may have written: not more of them than can be used, and not from what may never end.
 *
 * <p>Opening a named pipe waits for a writer, and a device may have no end, so what a path leads to is looked at before it
 * is opened. Who may write the directory can put a pipe there between the look and the opening; then the thread that reads
 * waits, and nobody else. A file system that does not answer (NFS) is waited for as well.
 *
 * <p>Any thread that may block. Messages of exceptions are for the user and do not repeat the path.
 */
public final class InputFile {

    /** Enough for files that people write: settings, credentials, certificates, resolv.conf. */
    public static final int SMALL = 1024 * 1024;

    private static final int FILE_TYPE = 0170000;

    private InputFile() {}

    /** What a path leads to, symbolic links being followed. */
    public enum Kind {
        /** Has an end. */
        FILE("a file"),
        /** Holds files. */
        DIRECTORY("a directory"),
        /** Ends when its writers say so; can be read once. */
        PIPE("a pipe"),
        /** Cannot be read. */
        SOCKET("a socket"),
        /** Leads elsewhere; only if links are not followed. */
        LINK("a symbolic link"),
        /** May never end. */
        DEVICE("a device");

        private final String words;

        Kind(String words) {
            this.words = words;
        }

        /** With its article. */
        @Override
        public String toString() {
            return words;
        }
    }

    /**
     * What {@code path} leads to.
     *
     * @param options NOFOLLOW_LINKS, or nothing
     * @throws NoSuchFileException if it leads nowhere
     */
    public static Kind kind(Path path, LinkOption... options) throws IOException {
        BasicFileAttributes attributes = Files.readAttributes(path, BasicFileAttributes.class, options);
        if (attributes.isRegularFile()) {
            return Kind.FILE;
        }
        if (attributes.isDirectory()) {
            return Kind.DIRECTORY;
        }
        int mode = path.getFileSystem().supportedFileAttributeViews().contains("unix")
                ? Objects.requireNonNull((Integer) Files.getAttribute(path, "unix:mode", options))
                : 0;
        return switch (mode & FILE_TYPE) { // inode(7)
            case 0010000 -> Kind.PIPE;
            case 0140000 -> Kind.SOCKET;
            case 0120000 -> Kind.LINK;
            default -> Kind.DEVICE;
        };
    }

    /**
     * All of a regular file.
     *
     * @param maxBytes how large it may be
     * @throws NoSuchFileException if there is none
     * @throws IOException         if it is something else, is larger, or cannot be read
     */
    public static byte[] read(Path path, int maxBytes) throws IOException {
        Kind kind = kind(path);
        if (kind != Kind.FILE) {
            throw new IOException("it is " + kind + ", not a file");
        }
        if (Files.size(path) > maxBytes) {
            throw tooLarge(maxBytes);
        }
        return readToEnd(path, maxBytes);
    }

    /**
     * All that comes from {@code path}, which the user named for this once: a file, or a pipe or device, which is waited
     * for as long as it takes.
     *
     * @throws NoSuchFileException if there is nothing
     * @throws IOException         if more comes than {@code maxBytes}, or it cannot be read
     */
    public static byte[] readToEnd(Path path, int maxBytes) throws IOException {
        Kind kind = kind(path);
        if (kind == Kind.DIRECTORY || kind == Kind.SOCKET) {
            throw new IOException("it is " + kind + ", not a file");
        }
        try (InputStream in = Files.newInputStream(path)) {
            return readToEnd(in, maxBytes);
        }
    }

    /** All of {@code in}, which stays open; an IOException if it is more than {@code maxBytes}. */
    public static byte[] readToEnd(InputStream in, int maxBytes) throws IOException {
        byte[] bytes = in.readNBytes(maxBytes + 1);
        if (bytes.length > maxBytes) {
            throw tooLarge(maxBytes);
        }
        return bytes;
    }

    private static IOException tooLarge(int maxBytes) {
        return new IOException("it is larger than "
                + (maxBytes < SMALL ? maxBytes + " bytes" : maxBytes / SMALL + " MiB"));
    }

    /** Why a file cannot be read, without its name. */
    public static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "there is no such file";
            case AccessDeniedException _ -> "permission denied";
            case FileSystemException system when system.getReason() != null -> system.getReason();
            default -> String.valueOf(e.getMessage());
        };
    }
}
