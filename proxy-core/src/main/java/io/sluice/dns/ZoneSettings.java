package io.sluice.dns;

import io.sluice.service.Cidr;
import java.net.InetAddress;
import java.util.List;
import org.xbill.DNS.Name;

/**
 * What a zone is made with besides a snapshot.
 *
 * @param origin      the cluster domain, absolute and in lower case
 * @param ttl         in seconds
 * @param nameservers addresses of this server, for {@code ns.dns.<zone>}
 * @param ownRanges   within which an unknown reverse name is nobody else's
 */
record ZoneSettings(Name origin, long ttl, PodRecords pods, List<InetAddress> nameservers, List<Cidr> ownRanges) {

    ZoneSettings {
        nameservers = List.copyOf(nameservers);
        ownRanges = List.copyOf(ownRanges);
    }
}
