package io.sluice.cli.up;

import io.sluice.cli.exec.Programs;
import io.sluice.daemon.StartException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Starts programs, each as the leader of a session and process group of its own, so that everything it starts can be ended with
 * it. Where this machine permits a mount namespace, a program has an {@code /etc/hosts} of its own with the names of Services;
 * it is the same file for all programs of a namespace and follows the Services. Beside each program a shell reads from a pipe of
 * this process: should this process be killed, the pipe ends, and the shell ends the group. Confined to one thread.
 */
final class ProgramLauncher implements AutoCloseable {

    private static final Path HOSTS = Path.of("/etc/hosts");
    private static final int LARGEST_HOSTS = 1024 * 1024;

    /** Mounts the file over the real one, in this mount namespace only. Arguments: the file, the command. */
    private static final String MOUNT = "mount --bind \"$1\" /etc/hosts || exit 125; shift; exec \"$@\"";

    /** The program takes this shell's place and leads the group; the other shell stays in it. */
    private static final String WATCH = "exec 3<&0 </dev/null;"
            + " (read -r _ <&3; trap '' TERM; kill -TERM -$$; sleep 5; kill -KILL -$$) & exec 3<&-; exec \"$@\"";

    private final Path setsid;
    private final OwnFolder folder;
    /** What comes before the path of a hosts file; empty where no program can have one. */
    private final List<String> mounting;
    private final List<String> mounted;
    private final Map<String, String> written = new HashMap<>();

    private ProgramLauncher(Path setsid, OwnFolder folder, List<String> mounting, List<String> mounted) {
        this.setsid = setsid;
        this.folder = folder;
        this.mounting = mounting;
        this.mounted = mounted;
    }

    /** Finds out what this machine permits. */
    static ProgramLauncher open(Map<String, String> environment)
            throws StartException, IOException, InterruptedException {
        Path setsid = Programs.find("setsid", environment)
                .orElseThrow(() -> new StartException("setsid is missing: install util-linux"));
        OwnFolder.removeLeft();
        OwnFolder owned = OwnFolder.make();
        Path folder = owned.path();
        Path trial = Files.writeString(folder.resolve("hosts"), "");
        Optional<Path> unshare = Programs.find("unshare", environment);
        if (unshare.isPresent() && Files.exists(HOSTS)) {
            for (List<String> flags : List.of(List.of("-m"), List.of("-U", "-r", "-m"))) {
                List<String> mounting = concat(List.of(unshare.get().toString()), flags,
                        List.of("--", "sh", "-c", MOUNT, "sluice"));
                List<String> again = flags.size() == 1 ? List.of() : Programs.asThisUser(unshare.get());
                for (List<String> mounted : List.of(again, List.<String>of())) {
                    if (Programs
                            .succeed(concat(mounting, List.of(trial.toString()), mounted, List.of("true")))) {
                        return new ProgramLauncher(setsid, owned, mounting, mounted);
                    }
                }
            }
        }
        return new ProgramLauncher(setsid, owned, List.of(), List.of());
    }

    /** Whether programs find Services by name. */
    boolean givesNames() {
        return !mounting.isEmpty();
    }

    /** The names that programs of {@code namespace} find from now on, as lines of hosts(5). */
    void names(String namespace, String lines) throws IOException {
        if (!givesNames() || lines.equals(written.get(namespace))) {
            return;
        }
        String own = Files.size(HOSTS) > LARGEST_HOSTS ? "" : Files.readString(HOSTS, StandardCharsets.ISO_8859_1);
        byte[] text = ((own.isEmpty() || own.endsWith("\n") ? own : own + "\n") + lines)
                .getBytes(StandardCharsets.ISO_8859_1);
        // In place: what is mounted is this file, not its name. The new text goes over the old one before that is cut.
        try (FileChannel file = FileChannel.open(hosts(namespace), StandardOpenOption.WRITE,
                StandardOpenOption.CREATE)) {
            ByteBuffer rest = ByteBuffer.wrap(text);
            while (rest.hasRemaining()) {
                file.write(rest, rest.position());
            }
            file.truncate(text.length);
        }
        written.put(namespace, lines);
    }

    /** Starts a program; its standard error is part of its output. */
    Process start(Replica replica, Map<String, String> environment) throws IOException {
        List<String> words = new ArrayList<>(List.of(setsid.toString()));
        if (givesNames() && written.containsKey(replica.pod().namespace())) {
            words.addAll(mounting);
            words.add(hosts(replica.pod().namespace()).toString());
            words.addAll(mounted);
        }
        words.addAll(List.of("sh", "-c", WATCH, "sluice"));
        words.addAll(replica.program().command());
        ProcessBuilder builder = new ProcessBuilder(words).directory(replica.program().directory().toFile())
                .redirectErrorStream(true);
        builder.environment().clear();
        builder.environment().putAll(environment);
        return builder.start();
    }

    private Path hosts(String namespace) {
        return folder.path().resolve("hosts." + namespace);
    }

    @SafeVarargs
    private static List<String> concat(List<String>... parts) {
        List<String> all = new ArrayList<>();
        for (List<String> part : parts) {
            all.addAll(part);
        }
        return all;
    }

    /** Deletes its files. */
    @Override
    public void close() throws IOException {
        folder.close();
    }
}
