package io.sluice.source.manifest;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.linux.LocalListeners;
import io.sluice.linux.LocalListeners.Owner;
import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.source.manifest.Discovery.Findings;
import io.sluice.source.manifest.Discovery.Program;
import io.sluice.source.manifest.Discovery.Want;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which program is which workload; a program is written as {@code ADDRESS:PORT PID COMMAND WORD…}. */
class DiscoveryTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            a program at the port            | api 3000          | 127.0.0.1:3000 7 /usr/bin/node a.js | api 0=127.0.0.1:3000
            another port                     | api 3000          | 127.0.0.1:3001 7 node               | ``
            one at another address           | api 3000          | 127.0.0.9:3000 7 node               | api 0=127.0.0.9:3000
            IPv4 comes before IPv6           | api 3000          | [::1]:3000 7 node; 127.0.0.1:3000 7 node | api 0=127.0.0.1:3000
            IPv6 alone                       | api 3000          | [::1]:3000 7 node                   | api 0=[::1]:3000
            of a user who cannot be seen     | api 3000          | 127.0.0.1:3000                      | api 0=127.0.0.1:3000
            two ports of one process         | api 3000,9102     | 127.0.0.1:3000 7 node; 127.0.0.1:9102 7 node | api 3000=127.0.0.1:3000 9102=127.0.0.1:9102
            the second port of another one   | api 3000,9102     | 127.0.0.1:3000 7 node; 127.0.0.2:9102 8 node | api 3000=127.0.0.1:3000
            the main port does not listen    | api 3000,9102     | 127.0.0.1:9102 7 node               | ``
            one program, two workloads       | api 80; web 80    | 127.0.0.1:80 7 java                 | ``
            two programs, two workloads      | api 80; web 81    | 127.0.0.1:80 7 java; 127.0.0.1:81 8 java | api 0=127.0.0.1:80; web 0=127.0.0.1:81
            a process by its program         | api 3000 node     | 127.0.0.1:5173 7 /usr/bin/node x    | api 0=127.0.0.1:5173
            a process by a word              | api 3000 shop.jar | 127.0.0.1:80 7 java -jar /opt/shop.jar | api 0=127.0.0.1:80
            the port counts first            | api 3000 node     | 127.0.0.1:80 7 node; 127.0.0.1:3000 7 node | api 0=127.0.0.1:3000
            a process of another name        | api 3000 node     | 127.0.0.1:3000 7 nodejs             | ``
            who names it takes it            | api 80; web 80 java | 127.0.0.1:80 7 java               | web 0=127.0.0.1:80
            a name without a program         | api 80; web 80 go | 127.0.0.1:80 7 java                 | api 0=127.0.0.1:80
            """)
    void a_workload_is_found(String rule, String wants, String programs, String expected) {
        assertThat(text(find(wants, programs))).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            what was found      | api 3000       | 127.0.0.1:3000 7 /usr/bin/node | 127.0.0.1:3000 (node, pid 7)
            another user's      | api 3000       | 127.0.0.1:3000                 | 127.0.0.1:3000 (a process of another user)
            text from outside   | api 3000       | 127.0.0.1:3000 7 a\u001b[31mb  | 127.0.0.1:3000 (a\\u001b[31mb, pid 7)
            one of two          | api 3000       | 127.0.0.1:3000 7 node; 127.0.0.2:3000 8 ruby | 127.0.0.1:3000 (node, pid 7); 127.0.0.2:3000 (ruby, pid 8) listens as well: choose with --endpoint shop/api=127.0.0.2:3000, or with the annotation sluice.io/process
            two sockets of one  | api 3000       | 127.0.0.1:3000 7 node; [::1]:3000 7 node | 127.0.0.1:3000 (node, pid 7)
            whose it could be   | api 80; web 80 | 127.0.0.1:80 7 java            | 127.0.0.1:80 (java, pid 7) may be shop/api, shop/web, so it is none of them: say which with --endpoint shop/api=127.0.0.1:80, or with the annotation sluice.io/process
            two of one name     | api 3000 node  | 127.0.0.1:80 7 node; 127.0.0.1:81 7 node | 127.0.0.1:80 (node, pid 7); 127.0.0.1:81 (node, pid 7) listens as well: choose with --endpoint shop/api=127.0.0.1:81, or with the annotation sluice.io/process
            """)
    void a_line_says_what_was_chosen_and_how_to_choose_otherwise(String rule, String wants, String programs,
            String expected) {
        assertThat(find(wants, programs).lines().get("shop/api")).isEqualTo(expected);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            nothing at the port           | api 3000,9102  | 127.0.0.1:9102 7 node | no program listens at port 3000: start it, or say where it is with --endpoint shop/api=HOST:PORT
            none of that name             | api 3000 go    | 127.0.0.1:3000 7 node | no program named go listens: start it, or say where it is with --endpoint shop/api=HOST:PORT
            text from outside             | api 3000 g\u001b[31mb | 127.0.0.1:3001 7 node | no program named g\\u001b[31mb listens: start it, or say where it is with --endpoint shop/api=HOST:PORT
            whose it could be             | api 80; web 80 | 127.0.0.1:80 7 java   | 127.0.0.1:80 (java, pid 7) may be shop/api, shop/web, so it is none of them: say which with --endpoint shop/api=127.0.0.1:80, or with the annotation sluice.io/process
            one that is found             | api 3000       | 127.0.0.1:3000 7 node |
            """)
    void what_is_not_found_has_a_reason(String rule, String wants, String programs, String expected) {
        assertThat(find(wants, programs).missing().get("shop/api")).isEqualTo(expected);
    }

    @Test
    void what_is_not_found_has_a_reason_where_nothing_listens_at_all() {
        Discovery discovery =
                new Discovery(new LocalListeners(), List.of(Cidr.parse("0.0.0.0/0"), Cidr.parse("::/0")));

        assertThat(discovery.find(List.of(new Want("shop/api", List.of(3000), null)), Set.of()).missing())
                .containsKey("shop/api");
    }

    @Test
    void nothing_that_listens_is_nothing_found() {
        assertThat(Discovery.match(List.of(new Want("shop/api", List.of(), null)), List.of())).isEqualTo(Findings.NONE);
    }

    private static Findings find(String wants, String programs) {
        List<Want> wanted = new ArrayList<>();
        for (String want : wants.split("; ", -1)) {
            List<String> words = List.of(want.strip().split(" ", -1));
            wanted.add(new Want("shop/" + words.getFirst(),
                    Stream.of(words.get(1).split(",", -1)).map(Integer::valueOf).toList(),
                    words.size() > 2 ? words.get(2) : null));
        }
        return Discovery.match(wanted,
                Stream.of(programs.split("; ", -1)).map(String::strip).map(DiscoveryTest::program).toList());
    }

    private static Program program(String text) {
        List<String> words = List.of(text.split(" ", -1));
        int colon = words.getFirst().lastIndexOf(':');
        return new Program(
                new EndpointAddress(IpAddresses.parse(words.getFirst().substring(0, colon).replaceAll("[\\[\\]]", "")),
                        Integer.parseInt(words.getFirst().substring(colon + 1))),
                words.size() == 1 ? null : new Owner(Long.parseLong(words.get(1)), words.subList(2, words.size())));
    }

    private static String text(Findings findings) {
        return new TreeMap<>(findings.places()).entrySet().stream()
                .map(place -> place.getKey().replace("shop/", "") + " " + new TreeMap<>(place.getValue()).entrySet()
                        .stream().map(Map.Entry::toString).collect(Collectors.joining(" ")))
                .collect(Collectors.joining("; "));
    }
}
