package io.sluice.cli.command;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code sluice version}: the versions of Sluice and Java in one line. */
@Command(name = "version", header = "Print the version of sluice and of the Java runtime.")
public final class VersionCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        out.println(line());
        out.flush();
        return 0;
    }

    private static String line() throws IOException {
        return "sluice " + version() + " (Java " + Runtime.version() + ")";
    }

    /** For example {@code 1.0.0}. */
    public static String version() throws IOException {
        Properties properties = new Properties();
        try (InputStream in = VersionCommand.class.getResourceAsStream("/io/sluice/version.properties")) {
            properties.load(Objects.requireNonNull(in, "version.properties"));
        }
        return properties.getProperty("version", "unknown");
    }

    /** Feeds {@code sluice --version}. */
    public static final class Provider implements IVersionProvider {
        @Override
        public String[] getVersion() throws IOException {
            return new String[] {line()};
        }
    }
}
