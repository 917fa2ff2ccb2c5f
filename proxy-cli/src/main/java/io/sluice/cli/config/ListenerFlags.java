package io.sluice.cli.config;

import io.sluice.proxy.Transport;
import io.sluice.service.Cidr;
import java.util.List;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Flags of listeners and event loops. */
public final class ListenerFlags {

    private static final String PRIMARY = "primary";
    private static final String AUTO = "auto";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--nodeport-addresses", paramLabel = "CIDR", split = ",", hideParamSyntax = true,
            defaultValue = "auto", converter = RangeOrPrimary.class,
            description = "The addresses of this node on which node ports listen: ranges separated by commas, or "
                    + "the word primary for the node's own address; auto is loopback for manifests and every address of "
                    + "the node for a cluster. Default: ${DEFAULT-VALUE}")
    private List<String> nodePortAddresses = List.of();

    @Option(names = "--port-offset", paramLabel = "N", defaultValue = "0", converter = BoundedInt.PortOffset.class,
            description = "Added to the port of every cluster IP, so that ports below 1024 need no privilege: "
                    + "with 10000, port 80 is served at 10080. Default: ${DEFAULT-VALUE}")
    private int portOffset;

    @Option(names = "--backlog", paramLabel = "N", defaultValue = "4096", converter = BoundedInt.Backlog.class,
            description = "The most connections that wait to be accepted at each address; the kernel's "
                    + "net.core.somaxconn limits it too. Default: ${DEFAULT-VALUE}")
    private int backlog;

    @Option(names = "--transport", paramLabel = "NAME", defaultValue = "auto",
            converter = EnumConverter.OfTransport.class,
            completionCandidates = EnumConverter.OfTransport.class,
            description = "How event loops wait for sockets: ${COMPLETION-CANDIDATES}; auto is io_uring since Linux "
                    + "6.1 where it is permitted, epoll on other Linux and nio elsewhere. Default: ${DEFAULT-VALUE}")
    private Transport transport;

    @Option(names = "--worker-threads", paramLabel = "N", defaultValue = "auto", converter = BoundedInt.Threads.class,
            completionCandidates = BoundedInt.AutoWord.class,
            description = "Event loops that move bytes; auto is one for each processor. Default: ${DEFAULT-VALUE}")
    private BoundedInt.Auto workerThreads;

    /**
     * Ranges, or the one word {@code primary}; empty for every address.
     *
     * @param cluster whether Services come from a cluster, not from manifests
     */
    public List<String> nodePortAddresses(boolean cluster) {
        for (String word : List.of(PRIMARY, AUTO)) {
            if (nodePortAddresses.contains(word) && nodePortAddresses.size() > 1) {
                throw new ParameterException(spec.commandLine(), word + " cannot be combined with ranges",
                        spec.findOption("--nodeport-addresses"), "");
            }
        }
        if (nodePortAddresses.contains(AUTO)) {
            return cluster ? List.of() : List.of("127.0.0.0/8", "::1/128");
        }
        return nodePortAddresses;
    }

    public int portOffset() {
        return portOffset;
    }

    public int backlog() {
        return backlog;
    }

    public Transport transport() {
        return transport;
    }

    public int workerThreads() {
        return workerThreads.count().orElse(Runtime.getRuntime().availableProcessors());
    }

    /** An address range in its usual notation, {@code primary} or {@code auto}. */
    static final class RangeOrPrimary implements ITypeConverter<String> {
        @Override
        public String convert(String value) {
            String text = value.strip();
            if (text.equals(PRIMARY) || text.equals(AUTO)) {
                return text;
            }
            try {
                return Cidr.parse(text).toString();
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage() + ", nor the word primary");
            }
        }
    }
}
