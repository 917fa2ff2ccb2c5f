package io.sluice.cli;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sluice reference}: writes the documents that are made from the settings, for those who work on Sluice. */
@Command(name = "reference", hidden = true, header = "Print a document made from the settings of 'sluice run'.")
final class ReferenceCommand implements Callable<Integer> {

    /** What can be written. */
    enum Document {
        /** docs/configuration.md. */
        MARKDOWN,
        /** config/sluice.yaml. */
        YAML
    }

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "markdown|yaml", converter = Word.OfDocument.class,
            completionCandidates = Word.OfDocument.class,
            description = "markdown is docs/configuration.md, yaml is config/sluice.yaml.")
    private Document document;

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        out.print(switch (document) {
            case MARKDOWN -> ConfigurationReference.markdown();
            case YAML -> ConfigurationReference.yaml();
        });
        out.flush();
        return ExitCode.OK;
    }
}
