package io.sluice.node;

import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import java.net.InetAddress;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The node's own addresses on which node ports listen: kube-proxy's {@code --nodeport-addresses}.
 *
 * <p>Either ranges, which choose every local address inside one, or {@code primary}: for each family the source address of
 * the node's own connections by its default route, or its first global address if it has no default route.
 */
public final class NodePortAddresses {

    private static final Logger LOG = LoggerFactory.getLogger(NodePortAddresses.class);
    private static final String PRIMARY = "primary";

    private final boolean primary;
    private final List<Cidr> ranges;

    private NodePortAddresses(boolean primary, List<Cidr> ranges) {
        this.primary = primary;
        this.ranges = ranges;
    }

    /**
     * Reads the setting: ranges, or the one word {@code primary}; an empty list means every address of the node.
     *
     * @throws IllegalArgumentException naming the word that is neither
     */
    public static NodePortAddresses parse(List<String> words) {
        if (words.contains(PRIMARY)) {
            if (words.size() > 1) {
                throw new IllegalArgumentException("'primary' stands alone; it cannot be mixed with ranges");
            }
            return new NodePortAddresses(true, List.of());
        }
        return new NodePortAddresses(false, words.stream().map(Cidr::parse).toList());
    }

    /** The chosen ones of the addresses that the machine has now; asks the kernel. */
    public List<InetAddress> resolve() {
        try {
            return choose(LocalAddresses.read(), primary ? LocalAddresses.outward() : List.of());
        } catch (SocketException e) {
            LOG.warn("the node's addresses cannot be read, node ports are not served: {}", e.getMessage());
            return List.of();
        }
    }

    /**
     * Chooses addresses.
     *
     * @param local   the addresses of the node
     * @param outward the source addresses of its own connections by the default route
     */
    List<InetAddress> choose(List<InetAddress> local, List<InetAddress> outward) {
        List<InetAddress> candidates = local.stream().filter(a -> !a.isLinkLocalAddress()).toList();
        if (primary) {
            List<InetAddress> chosen = new ArrayList<>();
            for (IpFamily family : IpFamily.values()) {
                List<InetAddress> global = candidates.stream()
                        .filter(a -> IpFamily.of(a) == family && !a.isLoopbackAddress()).toList();
                Stream.concat(outward.stream().filter(global::contains), global.stream()).findFirst()
                        .ifPresent(chosen::add);
            }
            return chosen;
        }
        return candidates.stream().filter(a -> ranges.isEmpty() || ranges.stream().anyMatch(r -> r.contains(a)))
                .distinct().sorted(IpAddresses.ORDER).toList();
    }
}
