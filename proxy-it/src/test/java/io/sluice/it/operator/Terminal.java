package io.sluice.it.operator;

import io.sluice.cli.Main;
import io.sluice.it.testbed.RunningSluice;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetSocketAddress;
import java.util.Map;

/** What an operator reads after a command for a running daemon. */
record Terminal(int exitCode, String out, String err) {

    private static final int ATTEMPTS = 10;

    /** Runs it, once more if the machine was too slow for the daemon to answer in time. */
    static Terminal run(RunningSluice sluice, String... words) {
        Terminal last = runOnce(sluice, words);
        for (int i = 0; i < ATTEMPTS && last.err.contains(" did not answer within "); i++) {
            last = runOnce(sluice, words);
        }
        return last;
    }

    private static Terminal runOnce(RunningSluice sluice, String... words) {
        InetSocketAddress server = sluice.sluice().metricsAddress().orElseThrow();
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        int exitCode =
                Main.commandLine(Map.of("SLUICE_SERVER", "127.0.0.1:" + server.getPort(), "NO_COLOR", "1"), words)
                        .setOut(new PrintWriter(out)).setErr(new PrintWriter(err)).execute(words);
        return new Terminal(exitCode, out.toString(), err.toString());
    }
}
