package io.sluice.cli.command;

import io.sluice.cli.config.EnumConverter;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice reference}: writes the parts of documents that are made from the code, for developers of Sluice. */
@Command(name = "reference", hidden = true,
        header = "Print a document made from the settings of 'sluice run', or renew the tables of metrics in a file.")
public final class ReferenceCommand implements Callable<Integer> {

    /** The documents. */
    enum Document {
        /** docs/configuration.md. */
        MARKDOWN,
        /** config/sluice.yaml. */
        YAML,
        /** docs/access-log.md. */
        ACCESS,
        /** The tables in docs/metrics.md. */
        METRICS
    }

    @Spec
    private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "markdown|yaml|access|metrics", converter = DocumentConverter.class,
            completionCandidates = DocumentConverter.class,
            description = "markdown is docs/configuration.md, yaml is config/sluice.yaml, access is docs/access-log.md, "
                    + "metrics are tables in FILE.")
    private Document document;

    @Parameters(index = "1", arity = "0..1", paramLabel = "FILE", defaultValue = "docs/metrics.md",
            description = "Where 'metrics' renews the tables; default: ${DEFAULT-VALUE}.")
    private Path file;

    @Override
    public Integer call() throws IOException {
        switch (document) {
            case MARKDOWN -> print(ConfigurationReference.markdown());
            case YAML -> print(ConfigurationReference.yaml());
            case ACCESS -> print(AccessLogReference.markdown());
            case METRICS -> Files.writeString(file, MetricsReference.renewed(Files.readString(file)));
        }
        return ExitCode.OK;
    }

    private void print(String text) {
        PrintWriter out = spec.commandLine().getOut();
        out.print(text);
        out.flush();
    }

    /** {@code markdown}, {@code yaml}, {@code access} or {@code metrics}. */
    static final class DocumentConverter extends EnumConverter<Document> {
        DocumentConverter() {
            super(List.of(Document.values()));
        }
    }
}
