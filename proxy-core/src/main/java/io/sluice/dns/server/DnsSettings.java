package io.sluice.dns.server;

import io.sluice.dns.zone.DomainNames;
import io.sluice.dns.zone.PodRecords;
import io.sluice.dns.zone.ZoneSettings;
import io.sluice.service.Cidr;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.xbill.DNS.Name;

/**
 * Settings of the DNS server.
 *
 * @param clusterDomain for example {@code cluster.local}; a dot at the end makes no difference
 * @param ttlSeconds    of every record but {@code dns-version}, 0 to 3,600. Negative answers have the same, so that clients
 *                      that ask before a Service exists find it soon; CoreDNS has 5, kubeadm's 30
 * @param listen        where to listen, UDP and TCP; never a wildcard, because over UDP the reply must come from the
 *                      address that was asked
 * @param upstreams     servers for names outside the cluster, asked in this order; if empty, such names are REFUSED
 * @param allow         clients that get answers; all others get none
 * @param reader        reads {@code upstreams} again when files that name them may have changed; null if there is no file
 * @param beforeEndpoints whether the addresses of the DNS Service are answered at even if it has endpoints
 * @param ownRanges     addresses of Services and Pods: upstreams are not asked for their reverse names
 */
public record DnsSettings(String clusterDomain, int ttlSeconds, PodRecords pods, List<InetSocketAddress> listen,
        List<InetSocketAddress> upstreams, @Nullable UpstreamReader reader, List<Cidr> allow, List<Cidr> ownRanges,
        DnsLimits limits, boolean beforeEndpoints) {

    static final int MAX_TTL_SECONDS = 3_600;

    /** Settings whose upstreams are never read again. */
    public DnsSettings(String clusterDomain, int ttlSeconds, PodRecords pods, List<InetSocketAddress> listen,
            List<InetSocketAddress> upstreams, List<Cidr> allow, List<Cidr> ownRanges, DnsLimits limits) {
        this(clusterDomain, ttlSeconds, pods, listen, upstreams, null, allow, ownRanges, limits);
    }

    /** Settings that leave the DNS Service to its endpoints. */
    public DnsSettings(String clusterDomain, int ttlSeconds, PodRecords pods, List<InetSocketAddress> listen,
            List<InetSocketAddress> upstreams, @Nullable UpstreamReader reader, List<Cidr> allow,
            List<Cidr> ownRanges, DnsLimits limits) {
        this(clusterDomain, ttlSeconds, pods, listen, upstreams, reader, allow, ownRanges, limits, false);
    }

    /** @throws IllegalArgumentException if a value makes no sense; the message is for the user */
    public DnsSettings {
        listen = List.copyOf(listen);
        upstreams = List.copyOf(upstreams);
        allow = List.copyOf(allow);
        ownRanges = List.copyOf(ownRanges);
        Name origin = DomainNames.absolute(clusterDomain);
        if (origin == null || origin.labels() < 2) {
            throw new IllegalArgumentException("'" + clusterDomain + "' is not a domain like cluster.local");
        }
        if (ttlSeconds < 0 || ttlSeconds > MAX_TTL_SECONDS) {
            throw new IllegalArgumentException("a TTL of " + ttlSeconds + " s is not between 0 and " + MAX_TTL_SECONDS);
        }
        for (InetSocketAddress address : listen) {
            requireSpecific(address);
            if (address.getPort() != 0 && upstreams.contains(address)) {
                throw new IllegalArgumentException("the DNS server would forward to itself at " + address
                        + ": name another upstream");
            }
        }
        upstreams.forEach(DnsSettings::requireResolved);
    }

    static void requireSpecific(InetSocketAddress address) {
        requireResolved(address);
        if (address.getAddress().isAnyLocalAddress()) {
            throw new IllegalArgumentException("the DNS server cannot listen at the wildcard address " + address
                    + ": its replies could come from another address than the one that was asked; name the addresses");
        }
    }

    private static void requireResolved(InetSocketAddress address) {
        if (address.isUnresolved()) {
            throw new IllegalArgumentException("'" + address.getHostString() + "' is not an IP address");
        }
    }

    ZoneSettings zone() {
        Name origin = DomainNames.absolute(clusterDomain);
        if (origin == null) {
            throw new IllegalStateException(clusterDomain);
        }
        List<InetAddress> nameservers = listen.stream().map(InetSocketAddress::getAddress)
                .filter(address -> !address.isLoopbackAddress()).distinct().toList();
        return new ZoneSettings(origin, ttlSeconds, pods, nameservers, ownRanges);
    }
}
