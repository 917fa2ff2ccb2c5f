package io.sluice.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;

/** What a command printed, and how it ended, when it is run inside the test. */
public record Console(int exitCode, String out, String err) {

    /** Runs {@code sluice} with these words and nothing in its environment. */
    public static Console run(String... words) {
        return run(Map.of(), words);
    }

    /** Runs {@code sluice} with these words and this environment. */
    public static Console run(Map<String, String> environment, String... words) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        CommandLine commandLine = Main.commandLine(environment, words).setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err));
        commandLine.setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
        int exitCode = commandLine.execute(words);
        return new Console(exitCode, out.toString(), err.toString());
    }
}
