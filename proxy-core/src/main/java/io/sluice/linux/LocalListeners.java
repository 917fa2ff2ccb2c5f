package io.sluice.linux;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The TCP sockets of this network that listen, and the processes that have them, from {@code /proc} (proc(5)). Any thread; each
 * call reads anew. Of the processes of other users only the sockets are seen, unless this process is root's.
 */
public final class LocalListeners {

    private static final String LISTEN = "0A";
    private static final int MAX_SOCKETS = 10_000;
    private static final int MAX_PROCESSES = 20_000;
    private static final int MAX_DESCRIPTORS = 4_096;
    private static final int MAX_WORDS_CHARACTERS = 4_096;
    private static final String SOCKET = "socket:[";

    /**
     * A socket that listens.
     *
     * @param address may be the unspecified one, for all addresses
     * @param inode   tells sockets apart; processes that share one have the same
     */
    public record Listener(InetAddress address, int port, long inode) {}

    /**
     * A process.
     *
     * @param words its command line, text from outside
     */
    public record Owner(long pid, List<String> words) {

        public Owner {
            words = List.copyOf(words);
        }

        /** The program's name without its folder: {@code node}. */
        public String name() {
            return words.isEmpty() ? "" : words.getFirst().replaceFirst(".*/", "");
        }

        /** Whether the program, or a word of its command line without folder, has this name. */
        public boolean isNamed(String name) {
            return words.stream().anyMatch(word -> word.replaceFirst(".*/", "").equals(name));
        }
    }

    private final Path proc;

    /** Of this machine. */
    public LocalListeners() {
        this(Path.of("/proc"));
    }

    LocalListeners(Path proc) {
        this.proc = proc;
    }

    /** Whether this system has what is read here. */
    public static boolean areThere() {
        return Files.isReadable(Path.of("/proc/net/tcp"));
    }

    /** The sockets that listen, {@value #MAX_SOCKETS} of each family at the most. */
    public List<Listener> sockets() {
        List<Listener> found = new ArrayList<>();
        read(proc.resolve("net/tcp"), found);
        read(proc.resolve("net/tcp6"), found);
        return found;
    }

    private static void read(Path file, List<Listener> found) {
        try (BufferedReader lines = new BufferedReader(
                new InputStreamReader(Files.newInputStream(file), StandardCharsets.US_ASCII))) {
            String line = lines.readLine(); // the heading
            for (int i = 0; line != null && i < MAX_SOCKETS; i++) {
                add(line.strip().split("\\s+", -1), found);
                line = lines.readLine();
            }
        } catch (IOException e) {
            return; // a kernel without IPv6, or none of Linux
        }
    }

    private static void add(String[] fields, List<Listener> found) throws UnknownHostException {
        if (fields.length > 9 && fields[3].equals(LISTEN)
                && fields[1].matches("([0-9A-F]{8}|[0-9A-F]{32}):[0-9A-F]{4}") && fields[9].matches("[0-9]{1,18}")) {
            int colon = fields[1].indexOf(':');
            found.add(new Listener(InetAddress.getByAddress(octets(fields[1].substring(0, colon))),
                    Integer.parseInt(fields[1].substring(colon + 1), 16), Long.parseLong(fields[9])));
        }
    }

    /** The kernel prints 32 bits at a time in the order of this machine; all that Sluice runs on are little-endian. */
    private static byte[] octets(String hex) {
        byte[] bytes = HexFormat.of().parseHex(hex);
        for (int i = 0; i < bytes.length; i += 4) {
            byte first = bytes[i];
            byte second = bytes[i + 1];
            bytes[i] = bytes[i + 3];
            bytes[i + 1] = bytes[i + 2];
            bytes[i + 2] = second;
            bytes[i + 3] = first;
        }
        return bytes;
    }

    /** The process with the lowest number that has each socket; those that cannot be seen are absent. */
    public Map<Long, Owner> owners(Set<Long> inodes) {
        Map<Long, Owner> owners = new HashMap<>();
        try (DirectoryStream<Path> processes = Files.newDirectoryStream(proc, "[0-9]*")) {
            int count = 0;
            for (Path process : processes) {
                if (++count > MAX_PROCESSES) {
                    break;
                }
                sockets(process, inodes, owners);
            }
        } catch (IOException e) {
            return owners; // what was found so far
        }
        return owners;
    }

    private static void sockets(Path process, Set<Long> inodes, Map<Long, Owner> owners) {
        Owner owner = null;
        try (Stream<Path> descriptors = Files.list(process.resolve("fd"))) {
            for (Path descriptor : descriptors.limit(MAX_DESCRIPTORS).toList()) {
                String target = target(descriptor);
                if (target.startsWith(SOCKET) && target.matches("socket:\\[[0-9]{1,18}]")) {
                    long inode = Long.parseLong(target.substring(SOCKET.length(), target.length() - 1));
                    if (inodes.contains(inode)) {
                        owner = owner == null ? owner(process) : owner;
                        owners.merge(inode, owner, (a, b) -> a.pid <= b.pid ? a : b);
                    }
                }
            }
        } catch (IOException | java.io.UncheckedIOException e) {
            return; // of another user, or gone
        }
    }

    private static String target(Path descriptor) {
        try {
            return Files.readSymbolicLink(descriptor).toString();
        } catch (IOException e) {
            return ""; // closed meanwhile
        }
    }

    private static Owner owner(Path process) throws IOException {
        String line;
        try (var in = Files.newInputStream(process.resolve("cmdline"))) {
            line = new String(in.readNBytes(MAX_WORDS_CHARACTERS), StandardCharsets.UTF_8);
        }
        return new Owner(Long.parseLong(String.valueOf(process.getFileName())),
                Stream.of(line.split("\0", -1)).filter(word -> !word.isEmpty()).toList());
    }
}
