package io.sluice.dns.zone;

import io.sluice.service.Cidr;
import java.net.InetAddress;
import java.util.List;
import org.xbill.DNS.Name;

/**
 * Settings of a zone.
 *
 * @param origin      the cluster domain, absolute and in lower case
 * @param ttl         in seconds
 * @param nameservers addresses of this server, for {@code ns.dns.<zone>}
 * @param ownRanges   ranges in which an unknown reverse name does not exist anywhere
 */
public record ZoneSettings(Name origin, long ttl, PodRecords pods, List<InetAddress> nameservers,
        List<Cidr> ownRanges) {

    public ZoneSettings {
        nameservers = List.copyOf(nameservers);
        ownRanges = List.copyOf(ownRanges);
    }
}
