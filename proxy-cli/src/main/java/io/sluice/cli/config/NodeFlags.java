package io.sluice.cli.config;

import io.sluice.node.AddressMode;
import io.sluice.node.NodeSettings;
import io.sluice.service.Cidr;
import io.sluice.service.HandoffPolicy;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Flags of the daemon's changes to the host. */
public final class NodeFlags {

    @Option(names = "--address-mode", paramLabel = "MODE", defaultValue = "auto",
            converter = EnumConverter.OfAddressMode.class,
            completionCandidates = EnumConverter.OfAddressMode.class,
            description = "How connections to the addresses of Services come here: ${COMPLETION-CANDIDATES}. "
                    + "local-route makes the addresses local by routes, for --service-cidr and for single addresses "
                    + "outside of it; nftables intercepts connections port by port, leaves the addresses alone, and "
                    + "shows pods the client's address as kube-proxy does; both need CAP_NET_ADMIN. none leaves it to "
                    + "others; auto is none for manifests, and for a cluster nftables, or local-route where that is "
                    + "not possible. "
                    + "Default: ${DEFAULT-VALUE}")
    private AddressMode addressMode;

    /** What becomes of connections while no proxy listens. */
    enum Fallback {
        DNAT,
        NONE
    }

    @Option(names = "--fallback", paramLabel = "WAY", defaultValue = "dnat",
            converter = EnumConverter.OfFallback.class, completionCandidates = EnumConverter.OfFallback.class,
            description = "With --address-mode nftables: what becomes of new connections of pods and of other machines after "
                    + "the daemon was killed: ${COMPLETION-CANDIDATES}. dnat: the kernel leads them to endpoints itself, as "
                    + "kube-proxy's rules do, until the next daemon accepts. none: they are refused. "
                    + "Default: ${DEFAULT-VALUE}")
    private Fallback fallback;

    @Option(names = "--kernel-handoff", paramLabel = "WHEN", defaultValue = "never",
            converter = EnumConverter.OfHandoffPolicy.class, completionCandidates = EnumConverter.OfHandoffPolicy.class,
            description = "With --address-mode nftables: when a connection to an endpoint is handed to the kernel, which then "
                    + "translates its packets without the daemon: ${COMPLETION-CANDIDATES}. auto: when one that has lived "
                    + "for some seconds is quiet. eager: as soon as the endpoint is connected. Both keep TCP timestamps from "
                    + "being agreed on. See docs/internals/kernel-handoff.md. Default: ${DEFAULT-VALUE}")
    private HandoffPolicy kernelHandoff;

    @Option(names = "--masquerade-all", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "With --address-mode nftables: endpoints see this node's address, and not the client's, for all "
                    + "traffic to cluster addresses. Default: ${DEFAULT-VALUE}")
    private boolean masqueradeAll;

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
            description = "After a handover wait for SIGTERM and do nothing, instead of ending: for a supervisor that restarts "
                    + "a process that has ended, such as kubelet. Default: ${DEFAULT-VALUE}")
    private boolean stayAfterHandover;

    /** Whether the process waits for a signal after another one has taken over. */
    public boolean stayAfterHandover() {
        return stayAfterHandover;
    }

    /** When connections are handed to the kernel. */
    public HandoffPolicy kernelHandoff() {
        return kernelHandoff;
    }

    /**
     * The settings.
     *
     * @param ranges  the address ranges of Services
     * @param cluster whether Services come from a cluster, not from manifests
     */
    public NodeSettings settings(List<Cidr> ranges, boolean cluster) {
        AddressMode mode = addressMode == AddressMode.AUTO && !cluster ? AddressMode.NONE : addressMode;
        return new NodeSettings(mode, ranges, fallback == Fallback.DNAT, masqueradeAll, keepAddresses,
                handoverSocket.isBlank() ? Optional.empty() : Optional.of(Path.of(handoverSocket)));
    }
}
