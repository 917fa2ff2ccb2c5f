package io.sluice.cli.up;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A folder for the files of one {@code sluice up}. A lock on a file in it says that its process lives, also to processes that see
 * no other processes, as in containers; the kernel takes the lock back however the process ends. For one thread.
 */
final class OwnFolder implements AutoCloseable {

    private static final String PREFIX = "sluice-up-";
    private static final String LOCK = "lock";

    private final Path path;
    private final FileChannel lock;

    private OwnFolder(Path path, FileChannel lock) {
        this.path = path;
        this.lock = lock;
    }

    static OwnFolder make() throws IOException {
        return make(Path.of(System.getProperty("java.io.tmpdir")));
    }

    static OwnFolder make(Path parent) throws IOException {
        Path path = Files.createTempDirectory(parent, PREFIX);
        FileChannel lock = FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE_NEW,
                StandardOpenOption.WRITE);
        lock.lock();
        return new OwnFolder(path, lock);
    }

    Path path() {
        return path;
    }

    /** Removes the folders of this user whose processes were killed. */
    static void removeLeft() throws IOException {
        removeLeft(Path.of(System.getProperty("java.io.tmpdir")));
    }

    static void removeLeft(Path parent) throws IOException {
        Path mine = Path.of("/proc/self");
        try (DirectoryStream<Path> folders = Files.newDirectoryStream(parent, PREFIX + "*")) {
            for (Path folder : folders) {
                if (Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS) && Files.exists(mine)
                        && Files.getOwner(folder, LinkOption.NOFOLLOW_LINKS).equals(Files.getOwner(mine))
                        && isLeft(folder)) {
                    delete(folder);
                }
            }
        }
    }

    private static boolean isLeft(Path folder) {
        try (FileChannel lock = FileChannel.open(folder.resolve(LOCK), StandardOpenOption.WRITE,
                LinkOption.NOFOLLOW_LINKS)) {
            return lock.tryLock() != null;
        } catch (IOException | OverlappingFileLockException e) {
            return false; // one that begins or ends, or one of this process
        }
    }

    private static void delete(Path folder) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                Files.deleteIfExists(file);
            }
        }
        Files.deleteIfExists(folder);
    }

    @Override
    public void close() throws IOException {
        delete(path);
        lock.close();
    }
}
