package io.sluice.cli;

import io.sluice.dns.DnsLimits;
import io.sluice.dns.DnsSettings;
import io.sluice.dns.PodRecords;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.source.InputFile;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Settings of the DNS server. */
final class DnsOptions {

    static final int DNS_PORT = 53;

    private static final int MAX_TTL_SECONDS = 3_600;
    private static final List<Cidr> LOOPBACK = List.of(Cidr.parse("127.0.0.0/8"), Cidr.parse("::1/128"));

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--dns-listen", paramLabel = "ADDRESS", split = ",", hideParamSyntax = true,
            converter = DnsAddress.class,
            description = "Where DNS is answered over UDP and TCP: addresses separated by commas, each with a port "
                    + "unless it is 53. Where a Service kube-system/kube-dns is defined, its address as well. Empty: "
                    + "only programs that sluice exec starts are answered.")
    private List<InetSocketAddress> listen = List.of();

    @Option(names = "--cluster-domain", paramLabel = "NAME", defaultValue = "cluster.local",
            description = "The domain below which Services have names. Default: ${DEFAULT-VALUE}")
    private String clusterDomain;

    @Option(names = "--dns-upstream", paramLabel = "ADDRESS|FILE", split = ",", hideParamSyntax = true,
            converter = AddressOrFile.class,
            description = "Who is asked for all other names: addresses separated by commas, each with a port unless it "
                    + "is 53, or a file like /etc/resolv.conf that names them. Without any, other names are REFUSED.")
    private List<String> upstreams = List.of();

    @Option(names = "--dns-ttl", paramLabel = "DURATION", defaultValue = "5s", converter = Ttl.class,
            description = "How long clients may keep an answer, also the answer that there is none: whole seconds, up "
                    + "to 1h. Default: ${DEFAULT-VALUE}")
    private Duration ttl;

    @Option(names = "--dns-allow", paramLabel = "CIDR", split = ",", hideParamSyntax = true,
            converter = ServiceSettings.CidrConverter.class,
            description = "Who is answered besides this machine's loopback addresses, --cluster-cidr and "
                    + "--service-cidr: ranges separated by commas. All others get nothing.")
    private List<Cidr> allow = List.of();

    @Option(names = "--dns-pods", paramLabel = "WORD", defaultValue = "off", converter = Word.OfPodRecords.class,
            completionCandidates = Word.OfPodRecords.class,
            description = "Names of Pods such as 10-1-0-3.default.pod.cluster.local: ${COMPLETION-CANDIDATES}; "
                    + "verified answers for addresses that Pods have, insecure for any. Default: ${DEFAULT-VALUE}")
    private PodRecords pods;

    @Option(names = "--dns-rate-limit", paramLabel = "N", defaultValue = "2000", converter = Numbers.Limit.class,
            description = "How many queries a second one client address may make; 0 for no limit. "
                    + "Default: ${DEFAULT-VALUE}")
    private int rateLimit;

    /** Whether names are answered at an address of their own. */
    boolean asked() {
        return !listen.isEmpty();
    }

    /**
     * What the DNS server is told.
     *
     * @param serviceCidrs where Services have addresses
     * @param clusterCidrs where Pods have addresses
     */
    DnsSettings settings(List<Cidr> serviceCidrs, List<Cidr> clusterCidrs) {
        Set<Cidr> allowed = new LinkedHashSet<>(LOOPBACK);
        allowed.addAll(clusterCidrs);
        allowed.addAll(serviceCidrs);
        allowed.addAll(allow);
        List<Cidr> own = new ArrayList<>(serviceCidrs);
        own.addAll(clusterCidrs);
        try {
            return new DnsSettings(clusterDomain, (int) ttl.toSeconds(), pods, listen, upstreamAddresses(),
                    List.copyOf(allowed), own, DnsLimits.DEFAULT.withQueriesPerSecond(rateLimit));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()));
        }
    }

    private List<InetSocketAddress> upstreamAddresses() {
        Set<InetSocketAddress> addresses = new LinkedHashSet<>();
        for (String upstream : upstreams) {
            if (upstream.startsWith("/")) {
                try {
                    addresses.addAll(nameservers(Path.of(upstream)));
                } catch (IOException e) {
                    throw new ParameterException(spec.commandLine(),
                            "--dns-upstream: " + upstream + " cannot be read: " + InputFile.reason(e));
                }
            } else {
                addresses.add(DnsAddress.parse(upstream));
            }
        }
        return List.copyOf(addresses);
    }

    /** The name servers that a file in the form of resolv.conf(5) names; lines that are not understood are skipped. */
    static List<InetSocketAddress> nameservers(Path file) throws IOException {
        List<InetSocketAddress> found = new ArrayList<>();
        String text = new String(InputFile.read(file, InputFile.SMALL), StandardCharsets.UTF_8);
        for (String line : text.lines().toList()) {
            String[] words = line.strip().split("\\s+", -1);
            if (words.length >= 2 && words[0].equals("nameserver")) {
                address(words[1]).ifPresent(ip -> found.add(new InetSocketAddress(ip, DNS_PORT)));
            }
        }
        return found;
    }

    private static Optional<InetAddress> address(String text) {
        try {
            return Optional.of(IpAddresses.parse(text));
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

    /** An address as above, or a path that begins with {@code /}. */
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
