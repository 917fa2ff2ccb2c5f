package io.sluice.cli.up;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import io.sluice.source.manifest.Variable;
import io.sluice.source.manifest.Variable.Fact;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The variables of a program, from the weakest to the strongest. */
class ProgramEnvironmentTest {

    private static final EndpointAddress ADDRESS = new EndpointAddress(IpAddresses.parse("127.122.1.2"), 3000);

    private static Map<String, String> variables(Map<String, String> own, Map<String, String> services,
            Map<String, String> file, EndpointAddress address, Variable... ofManifest) {
        Program program =
                new Program("f:1", "shop", "api", List.of("x"), 0, -1, file, Path.of("/"), false);
        return ProgramEnvironment.of(own, services,
                new Replica(program, new ServiceName("shop", "api-1"), address, false, List.of(ofManifest)));
    }

    @Test
    void the_manifest_comes_after_services_and_before_where_to_listen_and_the_file() {
        Variable port = new Variable("PORT", "80", null);
        Variable a = new Variable("A", "manifest", null);
        Variable b = new Variable("B", "manifest", null);
        Map<String, String> variables = variables(Map.of("A", "own", "HTTP_PROXY", "x"),
                Map.of("A", "service", "B", "service"), Map.of("B", "file"), ADDRESS, port, a, b);
        assertThat(variables).containsEntry("A", "manifest").containsEntry("B", "file").containsEntry("PORT", "3000")
                .doesNotContainKey("HTTP_PROXY");
    }

    @Test
    void facts_are_those_of_the_pod_that_it_plays() {
        assertThat(variables(Map.of(), Map.of(), Map.of(), ADDRESS, new Variable("N", "", Fact.NAME),
                new Variable("NS", "", Fact.NAMESPACE), new Variable("IP", "", Fact.IP),
                new Variable("H", "", Fact.HOST_IP))).containsEntry("N", "api-1").containsEntry("NS", "shop")
                .containsEntry("IP", "127.122.1.2").containsEntry("H", "127.0.0.1");
    }

    @Test
    void a_value_refers_to_services_and_to_variables_before_it() {
        assertThat(variables(Map.of("OWN", "x"), Map.of("DB_SERVICE_HOST", "10.0.0.1"), Map.of(), ADDRESS,
                new Variable("USER_NAME", "bob", null),
                new Variable("URL", "$(USER_NAME)@$(DB_SERVICE_HOST)/$(OWN)$(LATER)", null),
                new Variable("LATER", "y", null))).containsEntry("URL", "bob@10.0.0.1/$(OWN)$(LATER)");
    }

    @ParameterizedTest(name = "<{0}>")
    @CsvSource({"plain,plain", "$(A),1", "$$(A),$(A)", "a$(A)b$(B),a1b$(B)", "$A,$A", "$(,$(", "$$$(A),$$(A)", "'',''"})
    void references_are_as_in_kubernetes(String value, String expected) {
        assertThat(ProgramEnvironment.expanded(value, Map.of("A", "1"))).isEqualTo(expected);
    }

    @Test
    void who_listens_nowhere_has_no_port() {
        assertThat(variables(Map.of(), Map.of(), Map.of("X", "1"), new EndpointAddress(ADDRESS.ip(), 0)))
                .doesNotContainKeys("PORT", "HOST").containsEntry("POD_NAME", "api-1").containsEntry("X", "1");
    }
}
