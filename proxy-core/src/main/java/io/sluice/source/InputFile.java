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
 * Reads files that other users may have written: no more of them than can be used, and nothing that may never end.
 *
 * <p>Opening a named pipe waits for a writer, and a device may have no end, so the kind of a file is checked before it is
 * opened. A user who may write the directory can put a pipe there between the check and the opening; then only the thread
 * that reads waits. It also waits for a file system that does not answer (NFS).
 *
 * <p>Any thread that may block. Messages of exceptions are for the user and do not repeat the path.
 */
public final class InputFile {

    /** A limit for files that people write: settings, credentials, certificates, resolv.conf. */
    public static final int SMALL = 1024 * 1024;

    private static final int FILE_TYPE = 0170000;

    private InputFile() {}

    /** The kind of file that a path leads to, after symbolic links. */
    public enum Kind {
        /** Has an end. */
        FILE("a file"),
        /** Holds files. */
        DIRECTORY("a directory"),
        /** Ends when its writers close it; can be read once. */
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

        /** The name with its article. */
        @Override
        public String toString() {
            return words;
        }
    }

    /**
     * The kind of file that {@code path} leads to.
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
     * Reads a regular file.
     *
     * @param maxBytes the largest size
     * @throws NoSuchFileException if there is no file
     * @throws IOException         if it is not a regular file, is larger, or cannot be read
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
     * Reads everything from {@code path}, which the user named: a file, or a pipe or device, for which it waits as long as
     * necessary.
     *
     * @throws NoSuchFileException if there is no file
     * @throws IOException         if it has more than {@code maxBytes}, or cannot be read
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

    /** Reads all of {@code in}, which stays open; throws IOException if that is more than {@code maxBytes}. */
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

    /** The reason why a file cannot be read, without its name. */
    public static String reason(IOException e) {
        return switch (e) {
            case NoSuchFileException _ -> "there is no such file";
            case AccessDeniedException _ -> "permission denied";
            case FileSystemException system when system.getReason() != null -> system.getReason();
            default -> String.valueOf(e.getMessage());
        };
    }
}
