package io.sluice.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice reference}: writes what is made from the code in documents, for those who work on Sluice. */
@Command(name = "reference", hidden = true,
        header = "Print a document made from the settings of 'sluice run', or renew the tables of metrics in a file.")
final class ReferenceCommand implements Callable<Integer> {

    /** What can be written. */
    enum Document {
        /** docs/configuration.md. */
        MARKDOWN,
        /** config/sluice.yaml. */
        YAML,
        /** The tables in docs/metrics.md. */
        METRICS
    }

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "markdown|yaml|metrics", converter = Word.OfDocument.class,
            completionCandidates = Word.OfDocument.class,
            description = "markdown is docs/configuration.md, yaml is config/sluice.yaml, metrics are tables in FILE.")
    private Document document;

    @Parameters(index = "1", arity = "0..1", paramLabel = "FILE", defaultValue = "docs/metrics.md",
            description = "Where 'metrics' renews the tables; default: ${DEFAULT-VALUE}.")
    private Path file;

    @Override
    public Integer call() throws IOException {
        switch (document) {
            case MARKDOWN -> print(ConfigurationReference.markdown());
            case YAML -> print(ConfigurationReference.yaml());
            case METRICS -> Files.writeString(file, MetricsReference.renewed(Files.readString(file)));
        }
        return ExitCode.OK;
    }

    private void print(String text) {
        PrintWriter out = spec.commandLine().getOut();
        out.print(text);
        out.flush();
    }
}
