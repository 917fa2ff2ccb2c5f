package io.sluice.cli;

import io.sluice.node.AddressMode;
import io.sluice.node.NodeSettings;
import io.sluice.service.Cidr;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Settings that say what the daemon may do to the host. */
final class NodeOptions {

    @Option(names = "--address-mode", paramLabel = "MODE", defaultValue = "auto", converter = Word.OfAddressMode.class,
            completionCandidates = Word.OfAddressMode.class,
            description = "How the addresses of Services become addresses of this machine: ${COMPLETION-CANDIDATES}. "
                    + "local-route adds local routes for --service-cidr and for single addresses outside of it, and "
                    + "needs CAP_NET_ADMIN; none leaves it to others; auto is none for manifests and local-route for a "
                    + "cluster. "
                    + "Default: ${DEFAULT-VALUE}")
    private AddressMode addressMode;

    @Option(names = "--keep-addresses", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "Leave the added routes when the daemon ends, for the next one to use; 'sluice cleanup' "
                    + "removes them. Default: ${DEFAULT-VALUE}")
    private boolean keepAddresses;

    @Option(names = "--handover-socket", paramLabel = "PATH", defaultValue = "",
            description = "Where this daemon takes over the listening sockets of the one that runs, and later gives "
                    + "them to the next: a restart that refuses nobody. Not with --transport nio.")
    private String handoverSocket;

    @Option(names = "--stay-after-handover", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "After a handover wait for SIGTERM and do nothing, instead of ending: for whoever starts again "
                    + "what ends, as kubelet does. Default: ${DEFAULT-VALUE}")
    private boolean stayAfterHandover;

    /** Whether the process waits for a signal after another one has taken over. */
    boolean stayAfterHandover() {
        return stayAfterHandover;
    }

    /**
     * What the daemon wants.
     *
     * @param ranges  of Services
     * @param cluster whether Services come from a cluster, not from manifests
     */
    NodeSettings settings(List<Cidr> ranges, boolean cluster) {
        AddressMode mode = addressMode != AddressMode.AUTO
                ? addressMode
                : cluster ? AddressMode.LOCAL_ROUTE : AddressMode.NONE;
        return new NodeSettings(mode, ranges, keepAddresses,
                handoverSocket.isBlank() ? Optional.empty() : Optional.of(Path.of(handoverSocket)));
    }
}
