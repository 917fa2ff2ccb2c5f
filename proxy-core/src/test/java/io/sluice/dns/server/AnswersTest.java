package io.sluice.dns.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.dns.Cluster;
import io.sluice.dns.DnsMessages;
import io.sluice.dns.zone.Lookup;
import io.sluice.dns.zone.PodRecords;
import io.sluice.dns.zone.Zone;
import io.sluice.dns.zone.ZoneSettings;
import io.sluice.service.Cidr;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.Record;
import org.xbill.DNS.Section;

/**
 * What each name answers: the rows of the Kubernetes DNS specification 1.1.0, of DNS itself where that is silent, and of
 * what other cluster DNS servers get wrong.
 */
class AnswersTest {

    private static final String C = "cluster.local.";
    private static final ZoneSettings SETTINGS = settings(PodRecords.OFF);
    private static final Cluster CLUSTER = new Cluster()
            .clusterIp("default/kubernetes", "10.96.0.1", "https:443/TCP")
            .clusterIp("shop/kubia", "10.96.0.7", "http:80/TCP", "dns:53/UDP", "dns-tcp:53/TCP")
            .clusterIp("shop/unnamed", "10.96.0.8", ":80/TCP").clusterIp("shop/six", "fd00:96::6", "http:80/TCP")
            .clusterIp("shop/dual", "10.96.0.9,fd00:96::9", "http:80/TCP")
            .clusterIp("svc/svc", "10.96.0.10", "http:80/TCP")
            .headless("shop/db", "pg:5432/TCP", "db-0=10.1.0.3:15432", "db-1=10.1.0.4:15432", "10.1.0.5:15432",
                    "db-3=10.1.0.6:15432!")
            .headless("shop/portless", "", "p=10.1.0.20:0")
            .headless("shop/shared", "http:80/TCP", "same=10.1.0.7:80", "same=10.1.0.8:80", "same=[fd00:1::8]:80")
            .headless("shop/sixonly", "http:80/TCP", "[fd00:19::]:80").headless("shop/empty", "http:80/TCP")
            .headless("shop/waiting", "http:80/TCP", "w=10.1.0.9:80!")
            .headless("shop/twice", "http:80/TCP", "db-0=10.1.0.3:80")
            .headless("shop/renamed", "http:80/TCP", "r-0=10.1.0.21:8080")
            .slicePort("shop/renamed", "metrics:0/TCP", "r-0=10.1.0.21:9100", "r-1=10.1.0.22:9100",
                    "r-2=10.1.0.23:9100!")
            .slicePort("shop/renamed", ":0/TCP", "r-1=10.1.0.22:7000")
            .headless("shop/backs-itself", "http:80/TCP", "me=10.96.0.7:80")
            .externalName("shop/ext", "Example.COM.").externalName("shop/alias", "kubia.shop.svc.cluster.local")
            .externalName("shop/alias2", "alias.shop.svc.cluster.local")
            .externalName("shop/todb", "db.shop.svc.cluster.local")
            .externalName("shop/dangling", "nothing.shop.svc.cluster.local")
            .externalName("shop/loop-a", "loop-b.shop.svc.cluster.local")
            .externalName("shop/loop-b", "loop-a.shop.svc.cluster.local").externalName("shop/ip", "10.0.0.1");
    private static final Zone ZONE = Zone.unsynced(SETTINGS).with(CLUSTER.snapshot(), Map.of());

    @ParameterizedTest(name = "{0}: {2} {1}")
    @CsvSource(delimiter = '|', textBlock = """
            the version of the schema | dns-version | TXT | TXT 1.1.0 aa
            a Service has its cluster address | kubia.shop.svc | A | A 10.96.0.7 aa
            of an IPv4 Service AAAA is empty and not missing | kubia.shop.svc | AAAA | NODATA +SOA cluster.local. aa
            HTTPS of a Service is empty | kubia.shop.svc | HTTPS | NODATA +SOA cluster.local. aa
            SRV of a Service name has every port once | kubia.shop.svc | SRV | SRV 0 50 53 kubia.shop.svc.cluster.local.; SRV 0 50 80 kubia.shop.svc.cluster.local. aa
            the unnamed one too | unnamed.shop.svc | SRV | SRV 0 100 80 unnamed.shop.svc.cluster.local. aa
            SRV of a headless Service has every endpoint | db.shop.svc | SRV | SRV 0 33 15432 10-1-0-5.db.shop.svc.cluster.local.; SRV 0 33 15432 db-0.db.shop.svc.cluster.local.; SRV 0 33 15432 db-1.db.shop.svc.cluster.local. aa
            SRV of one without ports is empty | portless.shop.svc | SRV | NODATA +SOA cluster.local. aa
            MX of a Service is empty | kubia.shop.svc | MX | NODATA +SOA cluster.local. aa
            CNAME of a Service is empty | kubia.shop.svc | CNAME | NODATA +SOA cluster.local. aa
            SOA of a Service is empty | kubia.shop.svc | SOA | NODATA +SOA cluster.local. aa
            NS of a Service is empty | kubia.shop.svc | NS | NODATA +SOA cluster.local. aa
            TXT of a Service is empty | kubia.shop.svc | TXT | NODATA +SOA cluster.local. aa
            an unknown type is empty | kubia.shop.svc | TYPE4711 | NODATA +SOA cluster.local. aa
            an IPv6 Service | six.shop.svc | AAAA | AAAA fd00:96:0:0:0:0:0:6 aa
            of an IPv6 Service A is empty | six.shop.svc | A | NODATA +SOA cluster.local. aa
            a dual-stack Service has A | dual.shop.svc | A | A 10.96.0.9 aa
            and AAAA | dual.shop.svc | AAAA | AAAA fd00:96:0:0:0:0:0:9 aa
            a named port | _http._tcp.kubia.shop.svc | SRV | SRV 0 100 80 kubia.shop.svc.cluster.local. aa
            a UDP port | _dns._udp.kubia.shop.svc | SRV | SRV 0 100 53 kubia.shop.svc.cluster.local. aa
            one SRV for a dual-stack port | _http._tcp.dual.shop.svc | SRV | SRV 0 100 80 dual.shop.svc.cluster.local. aa
            A of a port is empty | _http._tcp.kubia.shop.svc | A | NODATA +SOA cluster.local. aa
            a protocol with ports below is empty | _tcp.kubia.shop.svc | SRV | NODATA +SOA cluster.local. aa
            the wrong protocol | _http._udp.kubia.shop.svc | SRV | NXDOMAIN +SOA cluster.local. aa
            an unknown port | _https._tcp.kubia.shop.svc | SRV | NXDOMAIN +SOA cluster.local. aa
            a port without underscores | http.tcp.kubia.shop.svc | SRV | NXDOMAIN +SOA cluster.local. aa
            an unnamed port has none | _tcp.unnamed.shop.svc | SRV | NXDOMAIN +SOA cluster.local. aa
            below a port | x._http._tcp.kubia.shop.svc | SRV | NXDOMAIN +SOA cluster.local. aa
            an unknown endpoint | x.kubia.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            no wildcards | *.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            a Service named svc in a namespace named svc | svc.svc.svc | A | A 10.96.0.10 aa
            a headless Service has its ready endpoints | db.shop.svc | A | A 10.1.0.3; A 10.1.0.4; A 10.1.0.5 aa
            with no IPv6 endpoint AAAA is empty | db.shop.svc | AAAA | NODATA +SOA cluster.local. aa
            an endpoint's hostname | db-0.db.shop.svc | A | A 10.1.0.3 aa
            an endpoint without one is named by its address | 10-1-0-5.db.shop.svc | A | A 10.1.0.5 aa
            an endpoint with a hostname is not | 10-1-0-3.db.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            an endpoint that is not ready has no name | db-3.db.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            endpoints of a port, with the port they listen at | _pg._tcp.db.shop.svc | SRV | SRV 0 33 15432 10-1-0-5.db.shop.svc.cluster.local.; SRV 0 33 15432 db-0.db.shop.svc.cluster.local.; SRV 0 33 15432 db-1.db.shop.svc.cluster.local. aa
            a port that slices alone have | _metrics._tcp.renamed.shop.svc | SRV | SRV 0 50 9100 r-0.renamed.shop.svc.cluster.local.; SRV 0 50 9100 r-1.renamed.shop.svc.cluster.local. aa
            beside one that the Service has | _http._tcp.renamed.shop.svc | SRV | SRV 0 100 8080 r-0.renamed.shop.svc.cluster.local. aa
            in another protocol it is not | _metrics._udp.renamed.shop.svc | SRV | NXDOMAIN +SOA cluster.local. aa
            its endpoints have names | r-1.renamed.shop.svc | A | A 10.1.0.22 aa
            all ports of slices | renamed.shop.svc | SRV | SRV 0 25 7000 r-1.renamed.shop.svc.cluster.local.; SRV 0 25 8080 r-0.renamed.shop.svc.cluster.local.; SRV 0 25 9100 r-0.renamed.shop.svc.cluster.local.; SRV 0 25 9100 r-1.renamed.shop.svc.cluster.local. aa
            SRV of an endpoint name is empty | db-0.db.shop.svc | SRV | NODATA +SOA cluster.local. aa
            headless without ports | portless.shop.svc | A | A 10.1.0.20 aa
            its endpoint | p.portless.shop.svc | A | A 10.1.0.20 aa
            endpoints may share a hostname | same.shared.shop.svc | A | A 10.1.0.7; A 10.1.0.8 aa
            in both families | same.shared.shop.svc | AAAA | AAAA fd00:1:0:0:0:0:0:8 aa
            and have one SRV together | _http._tcp.shared.shop.svc | SRV | SRV 0 100 80 same.shared.shop.svc.cluster.local. aa
            an address that ends in dashes gets a zero | fd00-19--0.sixonly.shop.svc | AAAA | AAAA fd00:19:0:0:0:0:0:0 aa
            headless with the other family only is empty | sixonly.shop.svc | A | NODATA +SOA cluster.local. aa
            headless without endpoints does not exist | empty.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            nor has it ports | _http._tcp.empty.shop.svc | SRV | NXDOMAIN +SOA cluster.local. aa
            headless without ready endpoints does not exist | waiting.shop.svc | AAAA | NXDOMAIN +SOA cluster.local. aa
            an unknown Service | nothing.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            an unknown namespace | kubia.nowhere.svc | A | NXDOMAIN +SOA cluster.local. aa
            a namespace that exists | shop.svc | A | NODATA +SOA cluster.local. aa
            a namespace that does not | nowhere.svc | A | NXDOMAIN +SOA cluster.local. aa
            svc itself | svc | A | NODATA +SOA cluster.local. aa
            pod records are off | 10-1-0-3.shop.pod | A | NXDOMAIN +SOA cluster.local. aa
            and so is pod | pod | A | NXDOMAIN +SOA cluster.local. aa
            what a search list makes of an outside name | example.com.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            TXT at dns-version only | dns-version | A | NODATA +SOA cluster.local. aa
            the name server has an address | ns.dns | A | A 10.96.0.53 aa
            what stands above it is empty | dns | A | NODATA +SOA cluster.local. aa
            a dot in a label is no separator | kubia\\.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            a kelvin sign is no k | \\226\\132\\170ubia.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            NUL and high octets are octets | \\000\\255.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            case does not matter | KuBiA.Shop.SVC | A | A 10.96.0.7 aa
            an alias of a name elsewhere, nobody to ask | ext.shop.svc | A | CNAME example.com. aa
            of any type | ext.shop.svc | TXT | CNAME example.com. aa
            the alias itself | ext.shop.svc | CNAME | CNAME example.com. aa
            below an alias is nothing | x.ext.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            an alias inside is followed | alias.shop.svc | A | A 10.96.0.7; CNAME kubia.shop.svc.cluster.local. aa
            twice | alias2.shop.svc | A | A 10.96.0.7; CNAME alias.shop.svc.cluster.local.; CNAME kubia.shop.svc.cluster.local. aa
            to a headless Service | todb.shop.svc | A | A 10.1.0.3; A 10.1.0.4; A 10.1.0.5; CNAME db.shop.svc.cluster.local. aa
            an alias whose target has not the type | alias.shop.svc | AAAA | CNAME kubia.shop.svc.cluster.local. +SOA cluster.local. aa
            an alias whose target does not exist | dangling.shop.svc | A | NXDOMAIN; CNAME nothing.shop.svc.cluster.local. +SOA cluster.local. aa
            aliases in a circle | loop-a.shop.svc | A | SERVFAIL aa
            an address is no name to point to | ip.shop.svc | A | NXDOMAIN +SOA cluster.local. aa
            ANY is answered with little | db.shop.svc | ANY | HINFO "RFC8482" "" aa
            ANY of an alias too | ext.shop.svc | ANY | HINFO "RFC8482" "" aa
            ANY of nothing | nothing.shop.svc | ANY | NXDOMAIN +SOA cluster.local. aa
            ANY of an empty name | shop.svc | ANY | NODATA +SOA cluster.local. aa
            no zone transfer | svc | AXFR | REFUSED
            not a part of one either | svc | IXFR | REFUSED
            """)
    void in_the_cluster_domain(String why, String name, String type, String expected) throws IOException {
        assertThat(DnsMessages.brief(new Asker(ZONE, false).ask(name.replace("\\\\", "\\") + '.' + C, type)))
                .as(why).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0}: {2} {1}")
    @CsvSource(delimiter = '|', textBlock = """
            the apex has its SOA | cluster.local. | SOA | SOA ns.dns.cluster.local. hostmaster.cluster.local. 1700000000 7200 1800 86400 5 aa
            and its name server | cluster.local. | NS | NS ns.dns.cluster.local. aa
            other types are empty | cluster.local. | TXT | NODATA +SOA cluster.local. aa
            a Service's address | 7.0.96.10.in-addr.arpa. | PTR | PTR kubia.shop.svc.cluster.local. aa
            in both families | 9.0.96.10.in-addr.arpa. | PTR | PTR dual.shop.svc.cluster.local. aa
            the IPv6 one | 9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.d.f.ip6.arpa. | PTR | PTR dual.shop.svc.cluster.local. aa
            nibbles in upper case | 9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.9.0.0.0.0.D.F.IP6.ARPA. | PTR | PTR dual.shop.svc.cluster.local. aa
            an endpoint in two headless Services | 3.0.1.10.in-addr.arpa. | PTR | PTR db-0.db.shop.svc.cluster.local.; PTR db-0.twice.shop.svc.cluster.local. aa
            an endpoint without hostname | 5.0.1.10.in-addr.arpa. | PTR | PTR 10-1-0-5.db.shop.svc.cluster.local. aa
            an endpoint that is not ready | 6.0.1.10.in-addr.arpa. | PTR | NXDOMAIN +SOA in-addr.arpa. aa
            A of a reverse name is empty | 7.0.96.10.in-addr.arpa. | A | NODATA +SOA in-addr.arpa. aa
            half a reverse name is empty | 0.96.10.in-addr.arpa. | PTR | NODATA +SOA in-addr.arpa. aa
            half an IPv6 one too | 0.0.d.f.ip6.arpa. | PTR | NODATA +SOA ip6.arpa. aa
            nobody's address | 99.0.96.10.in-addr.arpa. | PTR | NXDOMAIN +SOA in-addr.arpa. aa
            nobody's outside our ranges | 4.4.8.8.in-addr.arpa. | PTR | NXDOMAIN +SOA in-addr.arpa. aa
            malformed | 300.0.96.10.in-addr.arpa. | PTR | NXDOMAIN +SOA in-addr.arpa. aa
            too many labels | 1.7.0.96.10.in-addr.arpa. | PTR | NXDOMAIN +SOA in-addr.arpa. aa
            outside | example.com. | A | REFUSED
            whole labels count | xcluster.local. | A | REFUSED
            the root | . | NS | REFUSED
            ANY outside | example.com. | ANY | REFUSED
            """)
    void names_outside_our_zones_are_refused(String why, String name, String type, String expected) throws IOException {
        assertThat(DnsMessages.brief(new Asker(ZONE, false).ask(name, type))).as(why).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0}: {2} {1}")
    @CsvSource(delimiter = '|', textBlock = """
            an outside name is passed on | example.com. | A | Relayed
            a reverse name outside our ranges too | 4.4.8.8.in-addr.arpa. | PTR | Relayed
            one inside them never | 99.0.96.10.in-addr.arpa. | PTR | Answered
            nor a part of one | 200.96.10.in-addr.arpa. | PTR | Answered
            what is above them may be somebody else's | 11.in-addr.arpa. | NS | Relayed
            an unknown name of the cluster domain never | nothing.cluster.local. | A | Answered
            the target of an alias is asked for | ext.shop.svc.cluster.local. | A | ChaseCname
            ANY is not passed on | example.com. | ANY | Answered
            """)
    void with_an_upstream(String why, String name, String type, String expected) {
        assertThat(new Asker(ZONE, true).outcome(name, type).getClass().getSimpleName()).as(why).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0}, {1}: {2}")
    @CsvSource(delimiter = '|', textBlock = """
            INSECURE | A | 10-9-9-9.shop.pod | A 10.9.9.9 aa
            INSECURE | AAAA | 10-9-9-9.shop.pod | NODATA +SOA cluster.local. aa
            INSECURE | AAAA | fd00--1.shop.pod | AAAA fd00:0:0:0:0:0:0:1 aa
            INSECURE | A | 10-9-9-9.nowhere.pod | NXDOMAIN +SOA cluster.local. aa
            INSECURE | A | 10-9-9-999.shop.pod | NXDOMAIN +SOA cluster.local. aa
            INSECURE | A | --ffff-a09-909.shop.pod | NXDOMAIN +SOA cluster.local. aa
            INSECURE | A | x.10-9-9-9.shop.pod | NXDOMAIN +SOA cluster.local. aa
            INSECURE | A | shop.pod | NODATA +SOA cluster.local. aa
            INSECURE | A | nowhere.pod | NXDOMAIN +SOA cluster.local. aa
            INSECURE | A | pod | NODATA +SOA cluster.local. aa
            VERIFIED | A | 10-1-0-3.shop.pod | A 10.1.0.3 aa
            VERIFIED | A | 10-1-0-3.SHOP.POD | A 10.1.0.3 aa
            VERIFIED | AAAA | 10-1-0-3.shop.pod | NODATA +SOA cluster.local. aa
            VERIFIED | A | 10-9-9-9.shop.pod | NXDOMAIN +SOA cluster.local. aa
            VERIFIED | A | 10-1-0-3.default.pod | NXDOMAIN +SOA cluster.local. aa
            VERIFIED | A | podsonly.svc | NODATA +SOA cluster.local. aa
            """)
    void pod_records(PodRecords mode, String type, String name, String expected) throws IOException {
        Zone zone = Zone.unsynced(settings(mode)).with(CLUSTER.snapshot(),
                Map.of("shop", Set.of(IpAddresses.parse("10.1.0.3")), "podsonly", Set.of()));

        assertThat(DnsMessages.brief(new Asker(zone, false).ask(name + '.' + C, type))).isEqualTo(expected);
    }

    @Test
    void before_the_first_snapshot_nothing_is_denied() throws IOException {
        Asker asker = new Asker(Zone.unsynced(SETTINGS), false);

        assertThat(DnsMessages.brief(asker.ask("kubia.shop.svc." + C, "A"))).isEqualTo("SERVFAIL aa");
        assertThat(DnsMessages.brief(asker.ask("7.0.96.10.in-addr.arpa.", "PTR"))).isEqualTo("SERVFAIL aa");
        assertThat(DnsMessages.brief(asker.ask("dns-version." + C, "TXT"))).isEqualTo("TXT 1.1.0 aa");
    }

    @Test
    void srv_brings_the_addresses_of_its_targets() throws IOException {
        Message reply = new Asker(ZONE, false).ask("_http._tcp.dual.shop.svc." + C, "SRV");

        assertThat(reply.getSection(Section.ADDITIONAL)).extracting(Record::rdataToString)
                .containsExactlyInAnyOrder("10.96.0.9", "fd00:96:0:0:0:0:0:9");
    }

    @Test
    void the_dns_service_is_the_name_server_where_there_is_one() throws IOException {
        Zone zone = Zone.unsynced(SETTINGS).with(
                new Cluster().clusterIp("kube-system/kube-dns", "10.96.0.10", "dns:53/UDP").snapshot(), Map.of());
        Message reply = new Asker(zone, false).ask(C, "NS");

        assertThat(DnsMessages.brief(reply)).isEqualTo("NS kube-dns.kube-system.svc.cluster.local. aa");
        assertThat(reply.getSection(Section.ADDITIONAL)).extracting(Record::rdataToString)
                .containsExactly("10.96.0.10");
    }

    @Test
    void the_question_is_repeated_as_it_came_and_targets_are_in_lower_case() throws IOException {
        Message reply = new Asker(ZONE, false).ask("aLiAs.ShOp.SvC.cLuStEr.LoCaL.", "A");
        List<Record> answer = reply.getSection(Section.ANSWER);

        assertThat(reply.getQuestion().getName()).hasToString("aLiAs.ShOp.SvC.cLuStEr.LoCaL.");
        assertThat(answer.get(0).getName()).hasToString("aLiAs.ShOp.SvC.cLuStEr.LoCaL.");
        assertThat(answer.get(0).rdataToString()).isEqualTo("kubia.shop.svc.cluster.local.");
        assertThat(answer.get(1).getName()).hasToString("kubia.shop.svc.cluster.local.");
    }

    @Test
    void records_live_as_long_as_is_said_and_denials_too() throws IOException {
        Asker asker = new Asker(ZONE, false);

        assertThat(asker.ask("kubia.shop.svc." + C, "A").getSection(Section.ANSWER).getFirst().getTTL()).isEqualTo(5);
        assertThat(asker.ask("no.shop.svc." + C, "A").getSection(Section.AUTHORITY).getFirst().getTTL()).isEqualTo(5);
        assertThat(asker.ask("dns-version." + C, "TXT").getSection(Section.ANSWER).getFirst().getTTL())
                .isEqualTo(28_800);
    }

    @Test
    void recursion_is_offered_with_an_upstream_only() throws IOException {
        Message query = DnsMessages.query("kubia.shop.svc." + C, "A");

        assertThat(new Asker(ZONE, false).ask(query, false).getHeader().getFlag(Flags.RA)).isFalse();
        assertThat(new Asker(ZONE, true).ask(query, false).getHeader().getFlag(Flags.RA)).isTrue();
        assertThat(new Asker(ZONE, true).ask(query, false).getHeader().getFlag(Flags.RD)).isTrue();
    }

    @ParameterizedTest
    @CsvSource({"b.a.svc., A", "_http._tcp.b.a.svc., SRV", "b.a.svc., SRV"})
    void addresses_and_ports_come_in_any_order(String name, String type) {
        Cluster cluster = new Cluster().headless("a/b", "http:80/TCP",
                IntStream.range(0, 5).mapToObj(i -> "10.0.0." + i + ":80").toArray(String[]::new));
        Zone zone = Zone.unsynced(SETTINGS).with(cluster.snapshot(), Map.of());
        byte[] query = DnsMessages.query(name + C, type).toWire();
        Random random = new Random(7);
        var firsts = IntStream.range(0, 100).mapToObj(i -> {
            try {
                var answered = (Resolution.Answered) new Responder(false, 1_232).answer(zone, query, false, random);
                return new Message(answered.octets()).getSection(Section.ANSWER).getFirst().rdataToString();
            } catch (IOException e) {
                throw new IllegalStateException(e);
            }
        }).distinct();

        assertThat(firsts).hasSize(5);
    }

    @Test
    void warns_of_an_external_name_that_is_an_address() {
        assertThat(ZONE.warnings()).hasSize(1).containsKey(new ServiceName("shop", "ip"));
    }

    @Test
    void names_that_are_too_long_are_left_out() throws IOException {
        String label = "a".repeat(63);
        Name origin = Name.fromString(label + '.' + label + '.' + "b".repeat(40) + '.');
        Zone zone = Zone.unsynced(new ZoneSettings(origin, 5, PodRecords.OFF, List.of(), List.of())).with(new Cluster()
                .headless(label + "/x", "http:80/TCP", "h=10.0.0.1:80", "10.100.100.100:80")
                .clusterIp(label + '/' + label, "10.0.0.2", "http:80/TCP").snapshot(), Map.of());

        assertThat(zone.warnings()).hasSize(1);
        assertThat(zone.find(Name.fromString("x." + label + ".svc", origin))).isInstanceOf(Lookup.Present.class);
    }

    @Test
    void a_snapshot_without_changes_keeps_the_serial() {
        assertThat(ZONE.with(CLUSTER.snapshot(1_800_000_000L), Map.of())).isSameAs(ZONE);
    }

    private static ZoneSettings settings(PodRecords pods) {
        return new ZoneSettings(Name.fromConstantString(C), 5, pods, List.of(IpAddresses.parse("10.96.0.53")),
                List.of(Cidr.parse("10.96.0.0/12"), Cidr.parse("10.1.0.0/16"), Cidr.parse("fd00:96::/64")));
    }
}
