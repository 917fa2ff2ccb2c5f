package io.sluice.cli.config;

import io.sluice.dns.forward.ResolvConf;
import io.sluice.dns.server.DnsLimits;
import io.sluice.dns.server.DnsSettings;
import io.sluice.dns.server.UpstreamReader;
import io.sluice.dns.zone.PodRecords;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.source.InputFile;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Flags of the DNS server. */
public final class DnsFlags {

    public static final int DNS_PORT = 53;

    private static final int MAX_TTL_SECONDS = 3_600;
    private static final List<Cidr> LOOPBACK = List.of(Cidr.parse("127.0.0.0/8"), Cidr.parse("::1/128"));

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    private static final Path RESOLV_CONF = Path.of("/etc/resolv.conf");

    @Option(names = "--dns-listen", paramLabel = "ADDRESS", split = ",", hideParamSyntax = true,
            converter = DnsAddress.class,
            description = "Addresses at which DNS is answered over UDP and TCP, separated by commas, each with a port "
                    + "unless it is 53. Where a Service kube-system/kube-dns is defined and has no endpoint, its "
                    + "address as well. If empty, only programs that sluice exec starts get answers.")
    private List<InetSocketAddress> listen = List.of();

    @Option(names = "--dns-before-endpoints", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "Answer at the address of kube-system/kube-dns even if that Service has endpoints, which "
                    + "otherwise answer there. Default: ${DEFAULT-VALUE}")
    private boolean beforeEndpoints;

    @Option(names = "--cluster-domain", paramLabel = "NAME", defaultValue = "cluster.local",
            description = "The domain below which Services have names. Default: ${DEFAULT-VALUE}")
    private String clusterDomain;

    @Option(names = "--dns-upstream", paramLabel = "ADDRESS|FILE", split = ",", hideParamSyntax = true,
            converter = AddressOrFile.class,
            description = "DNS servers for all other names: addresses separated by commas, each with a port unless it "
                    + "is 53, or a file like /etc/resolv.conf that names them and is read again "
                    + "when it changes. Without any, other names are REFUSED; but with Services from manifests and "
                    + "without --dns-listen, sluice exec has those of /etc/resolv.conf.")
    private List<String> upstreams = List.of();

    @Option(names = "--dns-ttl", paramLabel = "DURATION", defaultValue = "5s", converter = Ttl.class,
            description = "How long clients may keep an answer, also one that a name does not exist: whole seconds, up "
                    + "to 1h. Default: ${DEFAULT-VALUE}")
    private Duration ttl;

    @Option(names = "--dns-allow", paramLabel = "CIDR", split = ",", hideParamSyntax = true,
            converter = ServiceFlags.CidrConverter.class,
            description = "Clients that get answers, besides this machine itself, --cluster-cidr and "
                    + "--service-cidr: ranges separated by commas. All others get none.")
    private List<Cidr> allow = List.of();

    @Option(names = "--dns-pods", paramLabel = "WORD", defaultValue = "off",
            converter = EnumConverter.OfPodRecords.class,
            completionCandidates = EnumConverter.OfPodRecords.class,
            description = "Names of Pods such as 10-1-0-3.default.pod.cluster.local: ${COMPLETION-CANDIDATES}; "
                    + "verified answers for addresses that Pods have, insecure for any. Default: ${DEFAULT-VALUE}")
    private PodRecords pods;

    @Option(names = "--dns-rate-limit", paramLabel = "N", defaultValue = "2000", converter = BoundedInt.Limit.class,
            description = "The most queries per second of one client address; 0 for no limit. "
                    + "Default: ${DEFAULT-VALUE}")
    private int rateLimit;

    @Option(names = "--dns-udp-size", paramLabel = "N", defaultValue = "1232", converter = BoundedInt.DnsUdpSize.class,
            description = "The most octets of a reply over UDP, for clients that announce with EDNS that they accept as "
                    + "many: 512 to 65535. Longer replies are sent in fragments, and help attackers who flood others in "
                    + "the name of a client. Default: ${DEFAULT-VALUE}")
    private int udpSize;

    /** Whether DNS is answered at an address of its own. */
    public boolean asked() {
        return !listen.isEmpty();
    }

    /**
     * The settings of the DNS server.
     *
     * @param serviceCidrs the addresses of Services
     * @param clusterCidrs the addresses of Pods
     * @param manifests    whether Services come from manifests
     */
    public DnsSettings settings(List<Cidr> serviceCidrs, List<Cidr> clusterCidrs, boolean manifests) {
        Set<Cidr> allowed = new LinkedHashSet<>(LOOPBACK);
        allowed.addAll(clusterCidrs);
        allowed.addAll(serviceCidrs);
        allowed.addAll(allow);
        List<Cidr> own = new ArrayList<>(serviceCidrs);
        own.addAll(clusterCidrs);
        try {
            if (manifests && upstreams.isEmpty() && listen.isEmpty() && namesServers(RESOLV_CONF)) {
                upstreams = List.of(RESOLV_CONF.toString());
            }
            boolean files = upstreams.stream().anyMatch(upstream -> upstream.startsWith("/"));
            return new DnsSettings(clusterDomain, (int) ttl.toSeconds(), pods, listen, readUpstreams().servers(),
                    files ? this::readUpstreams : null, List.copyOf(allowed), own,
                    DnsLimits.builder().queriesPerSecond(rateLimit).udpBytes(udpSize).build(), beforeEndpoints);
        } catch (IllegalArgumentException | IOException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()));
        }
    }

    private static boolean namesServers(Path file) {
        try {
            return !nameservers(file).isEmpty();
        } catch (IOException e) {
            return false;
        }
    }

    /** The upstreams: addresses, and the contents of files, which are read each time. */
    private UpstreamReader.Read readUpstreams() throws IOException {
        Map<String, InetSocketAddress> servers = new LinkedHashMap<>();
        List<String> without = new ArrayList<>();
        for (String upstream : upstreams) {
            if (!upstream.startsWith("/")) {
                InetSocketAddress server = DnsAddress.parse(upstream);
                servers.putIfAbsent(IpAddresses.formatZoned(server.getAddress(), server.getPort()), server);
                continue;
            }
            try {
                List<InetSocketAddress> named = nameservers(Path.of(upstream));
                named.forEach(server -> servers
                        .putIfAbsent(IpAddresses.formatZoned(server.getAddress(), server.getPort()), server));
                if (named.isEmpty()) {
                    without.add(upstream);
                }
            } catch (IOException e) {
                throw new IOException("--dns-upstream: " + upstream + " cannot be read: " + InputFile.reason(e), e);
            }
        }
        return new UpstreamReader.Read(List.copyOf(servers.values()), without);
    }

    /** The name servers that a file in the form of resolv.conf(5) names; other lines are skipped. */
    public static List<InetSocketAddress> nameservers(Path file) throws IOException {
        return ResolvConf.nameservers(InputFile.read(file, InputFile.SMALL));
    }

    private static Optional<InetAddress> address(String text) {
        try {
            return Optional.of(IpAddresses.parseZoned(text));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }

    /** {@code ip}, {@code ip:port} or {@code [ip]:port}; the port is 53 unless it is given. */
    static final class DnsAddress implements ITypeConverter<InetSocketAddress> {
        @Override
        public InetSocketAddress convert(String value) {
            return parse(value.strip());
        }

        static InetSocketAddress parse(String text) {
            Optional<InetAddress> plain = address(text);
            if (plain.isPresent()) {
                return new InetSocketAddress(plain.get(), DNS_PORT);
            }
            try {
                Optional<InetSocketAddress> full = BindAddress.parse(text).address();
                if (full.isPresent() && !text.startsWith(":")) {
                    return full.get();
                }
            } catch (TypeConversionException e) {
                throw new TypeConversionException(complaint(text));
            }
            throw new TypeConversionException(complaint(text));
        }

        private static String complaint(String text) {
            return "'" + text + "' is not an address like 127.0.0.1, 127.0.0.1:5353 or [::1]:5353";
        }
    }

    /** Checks that a value is an address as above, or a path that begins with {@code /}. */
    static final class AddressOrFile implements ITypeConverter<String> {
        @Override
        public String convert(String value) {
            String text = value.strip();
            if (!text.startsWith("/")) {
                try {
                    DnsAddress.parse(text);
                } catch (TypeConversionException e) {
                    throw new TypeConversionException(e.getMessage() + ", nor a file like /etc/resolv.conf");
                }
            }
            return text;
        }
    }

    /** Whole seconds up to an hour. */
    static final class Ttl implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            Duration duration = GoDuration.parse(value);
            if (duration.toSeconds() > MAX_TTL_SECONDS || duration.toNanosPart() != 0) {
                throw new TypeConversionException("'" + value + "' is not a whole number of seconds up to 1h");
            }
            return duration;
        }
    }
}
