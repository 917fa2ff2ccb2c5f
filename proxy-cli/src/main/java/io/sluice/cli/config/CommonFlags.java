package io.sluice.cli.config;

import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Flags of every command. */
public final class CommonFlags {

    private static final String VERBOSE = "--verbose";

    private CommonFlags() {}

    /** A new set of options, to mix into one command. */
    public static CommandSpec create() {
        return CommandSpec.create()
                .addOption(OptionSpec.builder("-h", "--help").usageHelp(true).description("Show this help.").build())
                .addOption(OptionSpec.builder("-v", VERBOSE).type(boolean.class)
                        .description("Say more: debug messages, and the trace of an unexpected failure.").build());
    }

    /** Whether {@code command} has {@code --verbose} set; false for a command without these options. */
    public static boolean verbose(CommandSpec command) {
        OptionSpec option = command.findOption(VERBOSE);
        return option != null && Boolean.TRUE.equals(option.getValue());
    }
}
