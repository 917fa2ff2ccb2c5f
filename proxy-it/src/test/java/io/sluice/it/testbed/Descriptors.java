package io.sluice.it.testbed;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Open file descriptors of a process, from {@code /proc/PID/fd}. */
public final class Descriptors {

    private Descriptors() {}

    /** Makes the JDK open the one socket that it keeps for itself from the first connection on. */
    static void warmUp() throws IOException {
        try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
                Socket client = new Socket(server.getInetAddress(), server.getLocalPort());
                Socket accepted = server.accept()) {
            accepted.getOutputStream().write(1);
            client.getInputStream().read();
        }
    }

    /** Sockets of this process. */
    public static long sockets() throws IOException {
        return count(Path.of("/proc/self/fd"), "socket:");
    }

    /** Sockets of process {@code pid}. */
    public static long sockets(long pid) throws IOException {
        return count(Path.of("/proc/" + pid + "/fd"), "socket:");
    }

    /** All descriptors of process {@code pid}. */
    public static long all(long pid) throws IOException {
        return count(Path.of("/proc/" + pid + "/fd"), "");
    }

    private static long count(Path directory, String kind) throws IOException {
        long count = 0;
        try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(directory)) {
            for (Path descriptor : descriptors) {
                try {
                    if (Files.readSymbolicLink(descriptor).toString().startsWith(kind)) {
                        count++;
                    }
                } catch (NoSuchFileException e) {
                    // It was closed meanwhile.
                }
            }
        }
        return count;
    }
}
