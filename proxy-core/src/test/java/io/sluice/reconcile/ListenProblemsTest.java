package io.sluice.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.proxy.AddressKind;
import io.sluice.reconcile.AddressClaims.Claim;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.util.HashMap;
import java.net.InetSocketAddress;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is said once of all ports that need a privilege. */
class ListenProblemsTest {

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            one Service         | web:80           | '1 Service (shop/web) has ports below 1024, '                       | web is then at 127.120.0.1:10080), or allow | start=80
            two ports of one    | web:443 web:80   | '1 Service (shop/web) has ports below 1024, '                       | web is then at 127.120.0.1:10443), or allow | start=80
            three Services      | b:80 a:81 c:443  | '3 Services (shop/a, shop/b, shop/c) have ports below 1024, '       | b is then at 127.120.0.1:10080), or allow   | start=80
            more than five      | a:1 b:1 c:1 d:1 e:1 f:1 g:1 | '7 Services (shop/a, shop/b, shop/c, shop/d, shop/e and 2 more) have ports below' | a is then at 127.120.0.1:10001) | start=1
            a shifted threshold | a:3000           | '1 Service (shop/a) has privileged ports, '                         | a is then at 127.120.0.1:13000)             | start=3000
            an offset too large | a:60000          | '1 Service (shop/a) has privileged ports, '                         | 'the privilege: allow them'                 | start=60000
            no cluster IP       | a:80!            | '1 Service (shop/a) has ports below 1024, '                         | 'the privilege: allow them'                 | start=80
            """, quoteCharacter = '\'')
    void ports_that_need_a_privilege_are_told_in_one_line_with_the_ways_out(String name, String refused, String start,
            String wayOut, String sysctl) {
        ListenProblems problems = new ListenProblems(new HashMap<>());
        for (String word : refused.split(" ", -1)) {
            String[] parts = word.replace("!", "").split(":", -1);
            AddressKind kind = word.endsWith("!") ? AddressKind.EXTERNAL_IP : AddressKind.CLUSTER_IP;
            problems.addPrivileged(
                    new InetSocketAddress(IpAddresses.parse("127.120.0.1"), Integer.parseInt(parts[1])),
                    new Claim(new ServicePortName(new ServiceName("shop", parts[0]), "", Protocol.TCP), kind));
        }

        assertThat(problems.privilegedLine()).as(name).startsWith(start).contains(wayOut)
                .contains("ip_unprivileged_port_" + sysctl);
    }
}
