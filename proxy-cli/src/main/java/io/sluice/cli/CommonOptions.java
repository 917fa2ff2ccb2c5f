package io.sluice.cli;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** What every command understands. */
final class CommonOptions {

    private static final String VERBOSE = "--verbose";

    private CommonOptions() {}

    /** A new set, to be mixed into one command. */
    static CommandSpec create() {
        return CommandSpec.create()
                .addOption(OptionSpec.builder("-h", "--help").usageHelp(true).description("Show this help.").build())
                .addOption(OptionSpec.builder("-v", VERBOSE).type(boolean.class)
                        .description("Say more: debug messages, and the trace of an unexpected failure.").build());
    }

    /** Whether {@code command} was asked for more words; false for one without these options. */
    static boolean verbose(CommandSpec command) {
        OptionSpec option = command.findOption(VERBOSE);
        return option != null && Boolean.TRUE.equals(option.getValue());
    }
}
