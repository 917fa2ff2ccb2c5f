package io.sluice.cli.up;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a program that plays a Pod is given, and what is passed on of what it prints. */
class ProgramOutputTest {

    private static List<String> copied(String output) throws IOException {
        List<String> lines = new ArrayList<>();
        ProgramOutput.copy(new ByteArrayInputStream(output.getBytes(StandardCharsets.UTF_8)), lines::add);
        return lines;
    }

    @Test
    void lines_are_passed_on_printable_and_without_colours() throws IOException {
        assertThat(copied("a\n\n\u001b[1;32mgreen\u001b[0m\r\n\tb\u001b]0;title\u0007\nhé"))
                .containsExactly("a", "", "green", "    b\\u001b]0;title\\u0007", "hé");
    }

    @Test
    void a_line_without_an_end_comes_in_pieces_and_nothing_is_lost() throws IOException {
        List<String> lines = copied("x".repeat(3 * ProgramOutput.LONGEST_LINE + 1) + "\ny");

        assertThat(lines).hasSize(5).allMatch(line -> line.length() <= ProgramOutput.LONGEST_LINE);
        assertThat(String.join("", lines)).hasSize(3 * ProgramOutput.LONGEST_LINE + 2);
        assertThat(copied("\u0001".repeat(ProgramOutput.LONGEST_LINE)))
                .containsExactly("\\u0001".repeat(ProgramOutput.LONGEST_LINE));
    }

    private static Map<String, String> variables(boolean ownPort, Map<String, String> file) {
        Program program = new Program("f:1", "shop", "api", List.of("x"), 0, 1, file, Path.of("/"), ownPort);
        return ProgramEnvironment.of(
                Map.of("PATH", "/bin", "https_proxy", "p", "HOST", "laptop", "DB_SERVICE_PORT", "1"),
                Map.of("DB_SERVICE_PORT", "5432", "PORT", "tcp://1.2.3.4:5"),
                new Replica(program, new ServiceName("shop", "api-1"),
                        new EndpointAddress(IpAddresses.parse("127.122.1.2"), 3000), false, List.of()));
    }

    @ParameterizedTest(name = "{0} is {1}, or with a port of its own {2}")
    @CsvSource({"PORT,3000,3000", "HOST,127.122.1.2,laptop", "POD_IP,127.122.1.2,127.122.1.2", "POD_NAME,api-1,api-1",
            "HOSTNAME,api-1,api-1", "POD_NAMESPACE,shop,shop", "SERVER_ADDRESS,127.122.1.2,", "SERVER_PORT,3000,3000",
            "ASPNETCORE_URLS,http://127.122.1.2:3000,http://*:3000", "DB_SERVICE_PORT,5432,5432", "https_proxy,,",
            "PATH,/bin,/bin"})
    void a_program_is_told_where_to_listen(String name, String address, String ownPort) {
        assertThat(variables(false, Map.of()).get(name)).isEqualTo(address);
        assertThat(variables(true, Map.of()).get(name)).isEqualTo(ownPort);
    }

    @Test
    void what_its_file_says_comes_before_all() {
        assertThat(variables(false, Map.of("PORT", "1", "HOST", "h"))).containsEntry("PORT", "1")
                .containsEntry("HOST", "h");
    }
}
