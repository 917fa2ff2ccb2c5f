package io.sluice.cli.command;

import io.sluice.connection.Termination;
import io.sluice.datagram.FlowEnd;
import io.sluice.metrics.AccessField;

/** {@code docs/access-log.md}, made from the fields and termination states alone. */
final class AccessLogReference {

    private AccessLogReference() {}

    static String markdown() {
        StringBuilder text = new StringBuilder("""
                # The access log

                <!-- Made by `./sluice reference access > docs/access-log.md`; edit AccessField, Termination and FlowEnd instead. -->

                `--access-log` logs one line for each connection that has ended, and for each flow of datagrams. Lines are
                dropped and counted (`sluice_log_lines_dropped_total`) if they are not read.

                ```
                02:13:07.412 10.0.0.9:51324 shop/api:http 10.96.0.1:80 -> 10.1.0.3:8080 0.412/25.103 ms 78/1024 B 1 retry --
                ```

                With `--log-format json` each line is an object with `time`, `level`, `logger` (`access`), `thread`, `message`
                (`connection closed`) and these fields:

                | field | in the line above | |
                | --- | --- | --- |
                """);
        for (AccessField field : AccessField.values()) {
            row(text, field.key(),
                    (field.example().isEmpty() ? "–" : "`" + field.example() + "`") + " | " + field.meaning());
        }
        text.append("""

                ## How a connection ended

                Two letters, in the spirit of HAProxy's. The first says who: `C` the client, `S` the endpoint, `c` and `s` the
                same by their silence, `P` the proxy, `R` a resource of this node that ran out, `K` the drain deadline, `O` an
                operator, `-` nobody before the end. The second says when: `C` while connecting, `D` while data went in both
                directions, `L` after one side had finished, `A` while its host had data to acknowledge, `-` at the end. `N` is
                while the kernel had it (`--kernel-handoff`): `R` one side reset it, `i` it was idle, `F` the kernel forgot it.

                | state | |
                | --- | --- |
                """);
        for (Termination termination : Termination.values()) {
            row(text, termination.code(), termination.meaning());
        }
        text.append("""

                ## How a flow of datagrams ended

                | state | |
                | --- | --- |
                """);
        for (FlowEnd end : FlowEnd.values()) {
            if (end != FlowEnd.HANDED_OVER) {
                row(text, end.code(), end.meaning());
            }
        }
        return text.toString();
    }

    private static void row(StringBuilder text, String name, String cells) {
        text.append("| `").append(name).append("` | ").append(cells).append(" |\n");
    }
}
