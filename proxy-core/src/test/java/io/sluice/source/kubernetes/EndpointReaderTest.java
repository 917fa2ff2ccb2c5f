package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.TriggerTime;
import io.sluice.service.IpFamily;
import io.sluice.service.Protocol;
import io.sluice.source.EndpointSubset.Address;
import io.sluice.source.EndpointSubset.Port;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is kept of EndpointSlices and Endpoints, and what is refused. */
class EndpointReaderTest {

    private static final ObjectKey KEY = new ObjectKey("default", "kubia-x");

    private static ReadObject<EndpointSubsets> slice(boolean loopback, String type, String endpoints, String ports) {
        return new EndpointReader(loopback, Instant.EPOCH).slice(KEY, ApiClient.JSON.readTree("""
                {"metadata": {"labels": {"kubernetes.io/service-name": "kubia"}}, "addressType": "%s",
                 "endpoints": %s, "ports": %s}""".formatted(type, endpoints, ports)));
    }

    private static Address endpoint(String json) {
        return slice(false, "IPv4", "[" + json + "]", "[]").value().subsets().getFirst().addresses().getFirst();
    }

    @ParameterizedTest(name = "{0}: ready {1}, serving {2}, terminating {3}")
    @CsvSource(delimiter = '|', value = {"{} | true | true | false", "{\"ready\": false} | false | true | false",
            "{\"ready\": false, \"terminating\": true} | false | true | true",
            "{\"ready\": false, \"serving\": false, \"terminating\": true} | false | false | true",
            "{\"serving\": false} | true | false | false",
            "{\"ready\": null, \"serving\": null} | true | true | false",
            "{\"ready\": false, \"serving\": true, \"terminating\": true} | false | true | true"})
    void conditions_that_are_missing_mean_ready_serving_and_not_terminating(String conditions, boolean ready,
            boolean serving,
            boolean terminating) {
        Address address = endpoint("{\"addresses\": [\"10.1.0.3\"], \"conditions\": " + conditions + "}");

        assertThat(address.ready()).isEqualTo(ready);
        assertThat(address.serving()).isEqualTo(serving);
        assertThat(address.terminating()).isEqualTo(terminating);
    }

    @ParameterizedTest(name = "{0} from an API server: {2}")
    @CsvSource({"127.0.0.1, IPv4, loopback", "127.255.0.9, IPv4, loopback", "169.254.169.254, IPv4, link-local",
            "224.0.0.1, IPv4, multicast", "239.1.1.1, IPv4, multicast", "0.0.0.0, IPv4, unspecified",
            "::1, IPv6, loopback", "fe80::1, IPv6, link-local", "ff02::1, IPv6, multicast", "::, IPv6, unspecified"})
    void special_addresses_are_refused(String address, String type, String why) {
        ReadObject<EndpointSubsets> read = slice(false, type,
                "[{\"addresses\": [\"" + address + "\"]}, {\"addresses\": [\""
                        + (type.equals("IPv4") ? "10.1.0.1" : "fd00::1")
                        + "\"]}]",
                "[]");

        assertThat(read.value().subsets().getFirst().addresses()).hasSize(1);
        assertThat(read.mistakes()).hasSize(1).first().asString().contains(address, "refused", why);
    }

    private static TriggerTime change(String type, String metadata) {
        return new EndpointReader(false, Instant.parse("2026-11-23T10:00:00Z")).slice(KEY, ApiClient.JSON.readTree("""
                {"metadata": {"labels": {"kubernetes.io/service-name": "kubia"%s}, "addressType": "%s"}"""
                .formatted(metadata, type))).change();
    }

    @ParameterizedTest(name = "{0} since {1}: {2}")
    @CsvSource(nullValues = "-", value = {"IPv4, 2026-11-23T10:00:01Z, 2026-11-23T10:00:01Z",
            "IPv6, 2026-11-23T10:00:01.123456789Z, 2026-11-23T10:00:01.123456789Z",
            "IPv4, 2026-11-23T12:00:01+01:00, 2026-11-23T11:00:01Z", "IPv4, 2026-11-23T10:00:00Z, -",
            "IPv4, 2026-11-23T09:59:59.9Z, -", "IPv4, yesterday, -", "IPv4, '', -"})
    void a_slice_says_since_when_and_only_what_is_later_than_the_start_counts(String type, String annotation,
            String since) {
        TriggerTime change = change(type,
                "}, \"annotations\": {\"endpoints.kubernetes.io/last-change-trigger-time\": \"" + annotation + "\"}");

        assertThat(change).isEqualTo(
                since == null
                        ? null
                        : new TriggerTime(type.equals("IPv4") ? IpFamily.IPV4 : IpFamily.IPV6,
                                Instant.parse(since)));
        assertThat(change(type, "}")).isNull();
    }

    @Test
    void a_headless_slice_is_not_dated_and_endpoints_are() {
        String annotations =
                "\"annotations\": {\"endpoints.kubernetes.io/last-change-trigger-time\": \"2026-11-23T10:00:01Z\"}";
        EndpointReader reader = new EndpointReader(false, Instant.EPOCH);
        ReadObject<EndpointSubsets> read = reader.endpoints(KEY, ApiClient.JSON.readTree(
                "{\"metadata\": {" + annotations + "}, \"subsets\": [{\"addresses\": [{\"ip\": \"fd00::1\"}]}]}"));

        assertThat(change("IPv4", ", \"service.kubernetes.io/headless\": \"\"}, " + annotations)).isNull();
        assertThat(read.change()).isNotNull().extracting(TriggerTime::family).isEqualTo(IpFamily.IPV6);
    }

    @Test
    void loopback_is_taken_where_it_is_allowed_and_link_local_is_not() {
        ReadObject<EndpointSubsets> read = slice(true, "IPv4",
                "[{\"addresses\": [\"127.0.0.1\"]}, {\"addresses\": [\"169.254.169.254\"]}]", "[]");

        assertThat(read.value().subsets().getFirst().addresses()).extracting(a -> a.ip().getHostAddress())
                .containsExactly("127.0.0.1");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '|', value = {"[{\"addresses\": [\"fd00::1\"]}] | addressType is IPv4",
            "[{\"addresses\": [\"pod.example\"]}] | is not an IP address", "[{\"addresses\": []}] | without address",
            "[{}] | without address", "[{\"addresses\": [7]}] | is not an IP address"})
    void one_bad_endpoint_is_left_out_and_told(String endpoints, String why) {
        ReadObject<EndpointSubsets> read = slice(false, "IPv4", endpoints, "[]");

        assertThat(read.value().subsets().getFirst().addresses()).isEmpty();
        assertThat(read.mistakes()).hasSize(1).first().asString().contains(why);
    }

    @Test
    void a_port_without_number_is_nothing_and_one_without_name_is_the_unnamed() {
        assertThat(slice(false, "IPv4", "null", """
                [{"name": "http", "port": 8080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}, {"name": "any"},
                 {"name": null, "port": 99}, {"name": "q", "port": 1, "protocol": "QUIC"}]""").value().subsets()
                .getFirst().ports()).isEqualTo(List.of(new Port("http", Protocol.TCP, 8080),
                        new Port("", Protocol.UDP, 53), new Port("", Protocol.TCP, 99)));
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', value = {"{} | belongs to no Service",
            "{\"metadata\": {\"labels\": {\"kubernetes.io/service-name\": \"x\"}}, \"addressType\": \"FQDN\"} | FQDN",
            "{\"metadata\": 7, \"endpoints\": \"x\"} | belongs to no Service"})
    void a_slice_that_cannot_be_used_is_told(String json, String why) {
        ReadObject<EndpointSubsets> read =
                new EndpointReader(false, Instant.EPOCH).slice(KEY, ApiClient.JSON.readTree(json));

        assertThat(read.value()).isNull();
        assertThat(read.mistakes()).first().asString().contains(why);
    }

    @Test
    void endpoints_are_one_group_for_each_subset() {
        EndpointSubsets read = new EndpointReader(false, Instant.EPOCH).endpoints(new ObjectKey("default", "db"),
                ApiClient.JSON.readTree("""
                        {"subsets": [
                          {"addresses": [{"ip": "10.1.0.1", "nodeName": "n", "targetRef": {"kind": "Pod", "name": "p"}}],
                           "notReadyAddresses": [{"ip": "10.1.0.2"}], "ports": [{"port": 5432}]},
                          {"addresses": [{"ip": "10.1.0.3"}], "ports": [{"port": 5433}]}]}"""))
                .value();

        assertThat(read.service().name()).isEqualTo("db");
        assertThat(read.subsets()).hasSize(2);
        assertThat(read.subsets().getFirst().addresses()).extracting(Address::ready).containsExactly(true, false);
        assertThat(read.subsets().getFirst().addresses().getFirst().target()).isEqualTo("p");
    }

    @Test
    void texts_of_many_endpoints_are_one_object() {
        Address a = endpoint("{\"addresses\": [\"10.1.0.3\"], \"nodeName\": \"node-1\", \"zone\": \"zone-1\"}");
        Address b = endpoint("{\"addresses\": [\"10.1.0.4\"], \"nodeName\": \"node-1\", \"zone\": \"zone-1\"}");

        assertThat(a.node()).isSameAs(b.node());
        assertThat(a.zone()).isSameAs(b.zone());
    }
}
