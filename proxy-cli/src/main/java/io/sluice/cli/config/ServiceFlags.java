package io.sluice.cli.config;

import io.sluice.linux.LocalListeners;
import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import io.sluice.source.manifest.GivenEndpoint;
import io.sluice.source.manifest.ManifestInputs;
import io.sluice.source.manifest.ManifestOptions;
import io.sluice.source.manifest.ManifestOptions.PodDetail;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Flags of Services from manifests, and of the values that manifests leave out; shared by {@code run} and {@code check}. */
public final class ServiceFlags {

    /** Separates file names from the environment or a file: a character that file names hardly ever have. */
    static final String FILENAME_SEPARATOR = "\n";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = {"-f", "--filename"}, paramLabel = "PATH", split = FILENAME_SEPARATOR, hideParamSyntax = true,
            description = "Kubernetes manifests to read: a YAML or JSON file, a directory of them (-R: with its "
                    + "subdirectories), or - for standard input. Files and directories are watched. May be repeated.")
    private List<String> filenames = List.of();

    @Option(names = {"-R", "--recursive"}, paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "Read the subdirectories of directories that -f names, too. Default: ${DEFAULT-VALUE}")
    private boolean recursive;

    @Option(names = {"-k", "--kustomize"}, paramLabel = "DIR", split = FILENAME_SEPARATOR, hideParamSyntax = true,
            description = "Read what 'kubectl kustomize DIR' prints. The directory is watched. May be repeated.")
    private List<String> kustomizations = List.of();

    @Option(names = "--endpoint", paramLabel = "WORKLOAD=ADDRESS", split = ",", hideParamSyntax = true,
            description = "Where you run the processes of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or Pod of the "
                    + "manifests: [NAMESPACE/]NAME[:CONTAINERPORT]=HOST:PORT, one address for each replica. May be "
                    + "repeated. Comes before the annotations sluice.io/endpoint and sluice.io/pod-ip.")
    private List<String> endpoints = List.of();

    @Option(names = "--discover", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "Look for the processes of workloads of which nothing says where they are: a program of this "
                    + "machine that listens at the container's port, or the one that the annotation sluice.io/process "
                    + "names. They are followed. Linux only. Default: ${DEFAULT-VALUE}")
    private boolean discover;

    @Option(names = "--probe", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true,
            defaultValue = "false",
            description = "Make the readinessProbe of each Pod whose process runs here (--endpoint, sluice.io/endpoint, "
                    + "sluice.io/pod-ip): an exec probe runs its command on this machine. A Pod is ready once it has "
                    + "succeeded. Default: ${DEFAULT-VALUE}")
    private boolean probe;

    @Option(names = "--service-cidr", paramLabel = "CIDR", split = ",", hideParamSyntax = true,
            defaultValue = "127.120.0.0/16", converter = CidrConverter.class,
            description = "The range of cluster IPs for Services that have none: one range, or an IPv4 and an "
                    + "IPv6 range separated by a comma. Default: ${DEFAULT-VALUE}")
    private List<Cidr> serviceCidrs = List.of();

    @Option(names = "--node-port-range", paramLabel = "FIRST-LAST", defaultValue = "30000-32767",
            converter = PortRange.Converter.class,
            description = "Where node ports are allocated for Services that give none. Default: ${DEFAULT-VALUE}")
    private PortRange nodePortRange;

    @Option(names = "--hostname-override", paramLabel = "NAME", defaultValue = "",
            description = "This node's name, as nodeName in endpoints has it. "
                    + "Default: the variable NODE_NAME, else the host name in lower case")
    private String hostnameOverride;

    /** The manifests; at least one. */
    private ManifestInputs someInputs() {
        ManifestInputs given = inputs();
        if (given.isEmpty()) {
            throw new ParameterException(spec.commandLine(),
                    "no Services given: use -f PATH or -k DIR, or filename in the"
                            + " configuration file, or SLUICE_FILENAME");
        }
        return given;
    }

    /** The manifests; empty if Services come from a cluster. */
    public ManifestInputs inputs() {
        if (filenames.stream().filter("-"::equals).count() > 1) {
            throw wrong("-f", "standard input (-) can be read only once");
        }
        return new ManifestInputs(filenames, recursive, kustomizations);
    }

    /** The options of the manifest source. */
    public ManifestOptions options(Map<String, String> environment) {
        return new ManifestOptions(someInputs(), serviceCidrs(), nodePortRange.first(), nodePortRange.last(),
                nodeName(environment), endpoints(), probe ? PodDetail.PROBES : PodDetail.ADDRESSES, discover());
    }

    /** Whether processes of workloads are looked for; only for Services from manifests, and where that is possible. */
    public boolean discover() {
        if (discover && inputs().isEmpty()) {
            throw wrong("--discover", "is for workloads of manifests; name them with -f or -k");
        }
        if (discover && !LocalListeners.areThere()) {
            throw wrong("--discover",
                    "needs /proc/net/tcp, which Linux alone has: say where processes are with --endpoint");
        }
        return discover;
    }

    /** Whether readiness probes are made; only for Services from manifests. */
    public boolean probe() {
        if (probe && inputs().isEmpty()) {
            throw wrong("--probe", "is for processes of manifests; a cluster's kubelets probe theirs");
        }
        return probe;
    }

    /** Where the processes of workloads are; empty if Services come from a cluster. */
    public List<GivenEndpoint> endpoints() {
        if (!endpoints.isEmpty() && inputs().isEmpty()) {
            throw wrong("--endpoint", "is for workloads of manifests; name them with -f or -k");
        }
        try {
            return GivenEndpoint.parse(endpoints);
        } catch (IllegalArgumentException e) {
            throw wrong("--endpoint", String.valueOf(e.getMessage()));
        }
    }

    /** At most one of each family. */
    public List<Cidr> serviceCidrs() {
        Set<IpFamily> seen = EnumSet.noneOf(IpFamily.class);
        for (Cidr cidr : serviceCidrs) {
            if (!seen.add(cidr.family())) {
                throw wrong("--service-cidr", "two " + cidr.family().apiName() + " ranges; one of each family at most");
            }
        }
        return serviceCidrs;
    }

    public PortRange nodePortRange() {
        return nodePortRange;
    }

    /** The override, else {@code NODE_NAME}, else the host's own name, as with kube-proxy. */
    public String nodeName(Map<String, String> environment) {
        for (String name : List.of(hostnameOverride, environment.getOrDefault("NODE_NAME", ""))) {
            if (!name.isBlank()) {
                return name.strip().toLowerCase(Locale.ROOT);
            }
        }
        try {
            return InetAddress.getLocalHost().getHostName().toLowerCase(Locale.ROOT);
        } catch (UnknownHostException e) {
            return "localhost";
        }
    }

    private ParameterException wrong(String option, String message) {
        OptionSpec argument = spec.findOption(option);
        return new ParameterException(spec.commandLine(), message, argument, "");
    }

    /** Reads an address range. */
    public static final class CidrConverter implements ITypeConverter<Cidr> {
        @Override
        public Cidr convert(String value) {
            try {
                return Cidr.parse(value.strip());
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        }
    }
}
