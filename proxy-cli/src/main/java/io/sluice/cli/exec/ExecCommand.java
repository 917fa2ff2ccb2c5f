package io.sluice.cli.exec;

import io.sluice.cli.Main;
import io.sluice.cli.command.AdminClient;
import io.sluice.cli.command.FailureException;
import io.sluice.cli.config.DnsFlags;
import io.sluice.cli.config.EnumConverter;
import io.sluice.cli.config.ServerFlag;
import io.sluice.linux.ProcessImage;
import io.sluice.netns.NamespaceAgent;
import io.sluice.source.InputFile;
import io.sluice.text.Printable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;
import tools.jackson.databind.JsonNode;

/**
 * {@code sluice exec}: runs a command in the environment of a Pod, by the kernel's namespaces (user_namespaces(7)): a mount
 * namespace for {@code /etc/resolv.conf} and, where this machine's own network does not have the Services' addresses and
 * ports, a network namespace. This process becomes {@code unshare}, and that becomes the command: nothing is left behind.
 */
@Command(
        name = "exec",
        header = "Run a command that finds Services as a Pod does.",
        description = {"", "The command gets the variables that kubelet would set, and a resolv.conf that leads to "
                + "Sluice's DNS with the search list of its namespace. Nothing on this machine changes, and nothing is "
                + "left behind.", "",
                "Without a privilege, or where Services are not served at their own ports, it runs in a network of its "
                        + "own in which every cluster IP works with its own port. TCP connections over IPv4 lead out of "
                        + "it; UDP but for Services and names, ICMP and IPv6 do not. Into it lead the ports of --publish."},
        abbreviateSynopsis = true,
        footer = {"", "Examples:", "  sluice exec -- curl -s kubia", "  sluice exec -n shop -- env",
                "  sluice exec --pod kubia-zcmpd -- bash",
                "  sluice exec -p 3000 -- npm run dev    http://127.0.0.1:3000/ leads into it"})
public final class ExecCommand implements Callable<Integer> {

    private static final int NOT_FOUND = 127;

    /** The network of the command. */
    enum Network {
        /** {@code HOST} if possible, else {@code OWN}. */
        AUTO,
        /** This machine's network, with access to the outside; needs root. */
        HOST,
        /** A network for the command alone, with Services, and a way out for TCP. */
        OWN
    }

    /**
     * Mounts the prepared files over the real ones, in this mount namespace only; then the files can be deleted, because a
     * mount keeps its file. Arguments: the folder of the files, the command.
     */
    private static final String MOUNT = """
            dir=$1
            shift
            mount --bind "$dir/resolv.conf" /etc/resolv.conf || { rm -rf "$dir"; exit 125; }
            if [ -e "$dir/nsswitch.conf" ]; then mount --bind "$dir/nsswitch.conf" /etc/nsswitch.conf; fi
            rm -rf "$dir"
            exec "$@"
            """;

    @Spec
    private CommandSpec spec;

    @ParentCommand
    private Main main;

    @Parameters(paramLabel = "COMMAND", arity = "1..*", description = "What to run, with its arguments.")
    private List<String> command = List.of();

    @Option(names = {"-n", "--namespace"}, paramLabel = "NAMESPACE", defaultValue = "default",
            description = "The namespace of the command. Default: ${DEFAULT-VALUE}")
    private String namespace;

    @Option(names = "--pod", paramLabel = "POD",
            description = "The Pod that the command stands for: whether it wants variables (enableServiceLinks).")
    private @Nullable String pod;

    @Option(names = "--network", paramLabel = "WORD", defaultValue = "auto", converter = NetworkConverter.class,
            completionCandidates = NetworkConverter.class,
            description = "${COMPLETION-CANDIDATES}: this machine's, with the world outside (needs root), or one of its "
                    + "own. Default: ${DEFAULT-VALUE}")
    private Network network;

    @Option(names = {"-p", "--publish"}, paramLabel = "PORT[:PORT]", split = ",", hideParamSyntax = true,
            converter = PublishedPort.Converter.class,
            description = "Make what the command listens on at 127.0.0.1, at the second port or the same, reachable at the first "
                    + "port of this machine's 127.0.0.1. May be repeated. For a network of its own.")
    private List<PublishedPort> publish = List.of();

    @Option(names = "--no-internet",
            description = "Connections to other addresses than those of Services fail in a network of its own.")
    private boolean noInternet;

    @Mixin
    private ServerFlag server = new ServerFlag();

    @Override
    public Integer call() throws FailureException, InterruptedException, IOException {
        if (!Files.isDirectory(Path.of("/proc/self/ns"))) {
            throw new FailureException("exec needs the namespaces of Linux");
        }
        Map<String, String> environment = main.environment();
        JsonNode known = AdminClient.of(spec, server.address(environment)).environment(namespace, pod);
        if (Programs.find(command.getFirst(), environment).isEmpty()) {
            spec.commandLine().getErr().println("sluice: " + Printable.of(command.getFirst()) + ": command not found");
            return NOT_FOUND;
        }
        Path unshare = Programs.find("unshare", environment)
                .orElseThrow(() -> new FailureException("unshare is missing: install util-linux"));
        if (!Files.exists(Path.of("/etc/resolv.conf"))) {
            throw new FailureException(
                    "/etc/resolv.conf is missing, so that no other file can be mounted over it:"
                            + " create it, it may be empty");
        }
        boolean privileged = works(unshare, List.of("-m"));
        Optional<String> nameserver = nameserver(known);
        boolean host = switch (network) {
            case HOST -> true;
            case OWN -> false;
            case AUTO -> privileged && nameserver.isPresent() && known.path("portOffset").asInt(0) == 0;
        };
        Map<String, String> variables = variables(environment, known);
        if (host) {
            if (!privileged) {
                throw new FailureException("this machine's network needs root (to mount a resolv.conf of its own):"
                        + " leave --network at auto, or run it as root");
            }
            if (nameserver.isEmpty()) {
                throw new FailureException(
                        "the daemon does not answer DNS at port 53, and resolv.conf can name no other port:"
                                + " start it with --dns-listen 127.0.0.1, or leave --network at auto");
            }
            if (!publish.isEmpty()) {
                spec.commandLine().getErr()
                        .println(
                                "sluice: the command is in this machine's network, where its ports are reached without -p");
            }
            replace(unshare, List.of("-m"), known, nameserver.get(), command, variables);
        }
        if (!known.path("guests").isObject()) {
            throw new FailureException("the daemon cannot serve a network of its own: that needs Linux and"
                    + " a transport other than nio");
        }
        List<String> flags = ownNetwork(unshare, privileged);
        replace(unshare, flags, known, "127.0.0.53", insideCommand(known, unshare, flags), variables);
        throw new IllegalStateException("unreachable");
    }

    /** The first address with port 53, the only one that resolv.conf can name. */
    private static Optional<String> nameserver(JsonNode known) {
        for (JsonNode address : known.path("dns").path("addresses")) {
            String text = address.asString("");
            if (text.endsWith(":" + DnsFlags.DNS_PORT)) {
                return Optional.of(text.substring(0, text.lastIndexOf(':')).replaceAll("[\\[\\]]", ""));
            }
        }
        return Optional.empty();
    }

    private static List<String> ownNetwork(Path unshare, boolean privileged) throws FailureException,
            InterruptedException, IOException {
        if (privileged && works(unshare, List.of("-n", "-m"))) {
            return List.of("-n", "-m");
        }
        if (works(unshare, List.of("-U", "-r", "-n", "-m"))) {
            return List.of("-U", "-r", "-n", "-m");
        }
        throw new FailureException("this machine does not let its users make namespaces (user.max_user_namespaces,"
                + " kernel.unprivileged_userns_clone and kernel.apparmor_restrict_unprivileged_userns are the sysctls"
                + " that can forbid it): run sluice exec as root, or use the loopback addresses of"
                + " 'sluice run --port-offset 10000' directly");
    }

    /** The command line of this program inside the namespace: it sets up the network and runs the command as this user. */
    private List<String> insideCommand(JsonNode known, Path unshare, List<String> flags)
            throws IOException, InterruptedException, FailureException {
        List<String> inside = new ArrayList<>(javaCommand());
        JsonNode guests = known.path("guests");
        inside.addAll(List.of(ExecInsideCommand.NAME, "--socket", guests.path("socket").asString("")));
        guests.path("ranges").forEach(range -> inside.addAll(List.of("--range", range.asString(""))));
        if (!noInternet) {
            inside.add("--outside");
        }
        for (PublishedPort port : publish) {
            try {
                inside.addAll(List.of("--published", NamespaceAgent.listen(port.outside()) + ":" + port.inside()));
            } catch (IOException e) {
                throw new FailureException("--publish: " + e.getMessage(), e);
            }
        }
        inside.add("--");
        if (flags.contains("-U") && Programs.user() != 0) {
            List<String> again = Programs.asThisUser(unshare);
            List<String> nested = new ArrayList<>(flags);
            nested.add("--");
            nested.addAll(again.subList(0, again.size() - 1));
            if (works(unshare, nested)) {
                inside.addAll(again);
            }
        }
        inside.addAll(command);
        return inside;
    }

    /** The command line of this JVM, up to and with the main class. */
    private static List<String> javaCommand() throws IOException {
        String line = Files.readString(Path.of("/proc/self/cmdline"));
        List<String> words = Arrays.asList(line.split("\\00", -1));
        int mainClass = words.indexOf(Main.class.getName());
        String java = ProcessHandle.current().info().command().orElse(words.getFirst());
        List<String> command = new ArrayList<>(List.of(java));
        if (mainClass > 0) {
            command.addAll(words.subList(1, mainClass));
        } else {
            command.addAll(List.of("--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path")));
        }
        command.add(Main.class.getName());
        return command;
    }

    /** Replaces this process by the command; does not return. */
    private void replace(Path unshare, List<String> flags, JsonNode known, String nameserver, List<String> what,
            Map<String, String> variables) throws IOException {
        Path folder = Files.createTempDirectory("sluice-exec-");
        try {
            Files.writeString(folder.resolve("resolv.conf"), resolvConf(nameserver, namespace,
                    known.path("dns").path("clusterDomain").asString("cluster.local")));
            Path switchFile = Path.of("/etc/nsswitch.conf");
            if (Files.isReadable(switchFile)) {
                Optional<String> changed = onlyDns(
                        new String(InputFile.read(switchFile, InputFile.SMALL), StandardCharsets.UTF_8));
                if (changed.isPresent()) {
                    Files.writeString(folder.resolve("nsswitch.conf"), changed.get());
                }
            }
            List<String> arguments = new ArrayList<>(List.of("unshare"));
            arguments.addAll(flags);
            arguments.addAll(List.of("--", "sh", "-c", MOUNT, "sluice", folder.toString()));
            arguments.addAll(what);
            ProcessImage.replace(unshare, arguments, variables);
        } finally {
            for (String name : List.of("resolv.conf", "nsswitch.conf")) {
                Files.deleteIfExists(folder.resolve(name));
            }
            Files.deleteIfExists(folder);
        }
    }

    /**
     * The file that kubelet writes for {@code dnsPolicy: ClusterFirst} (Kubernetes documentation, "DNS for Services and
     * Pods").
     */
    static String resolvConf(String nameserver, String namespace, String domain) {
        return "search " + namespace + ".svc." + domain + " svc." + domain + " " + domain + "\nnameserver " + nameserver
                + "\noptions ndots:5\n";
    }

    /** The file without resolvers that ask a daemon of this machine, and so never our DNS server; empty if it has none. */
    static Optional<String> onlyDns(String nsswitch) {
        StringBuilder text = new StringBuilder();
        boolean changed = false;
        for (String line : nsswitch.lines().toList()) {
            if (line.startsWith("hosts:") && line.matches(".*\\b(resolve|mdns\\w*)\\b.*")) {
                text.append("hosts: files dns\n");
                changed = true;
            } else {
                text.append(line).append('\n');
            }
        }
        return changed ? Optional.of(text.toString()) : Optional.empty();
    }

    /** This process's variables and those of Services, without this machine's HTTP proxies, which a Pod does not have. */
    static Map<String, String> variables(Map<String, String> environment, JsonNode known) {
        Map<String, String> variables = new LinkedHashMap<>(environment);
        variables.keySet().removeIf(name -> name.matches("(?i)(http|https|ftp|all)_proxy"));
        known.path("variables").propertyStream().forEach(v -> variables.put(v.getKey(), v.getValue().asString("")));
        return variables;
    }

    private static boolean works(Path unshare, List<String> flags) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of(unshare.toString()));
        words.addAll(flags);
        words.addAll(List.of("--", "true"));
        return Programs.succeed(words);
    }

    /** {@code auto}, {@code host} or {@code own}. */
    static final class NetworkConverter extends EnumConverter<Network> {
        NetworkConverter() {
            super(List.of(Network.values()));
        }
    }
}
