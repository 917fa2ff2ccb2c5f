package io.sluice.cli;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Where settings are read from that neither the command line nor the environment gives. */
final class ConfigFileOption {

    static final String VARIABLE = "SLUICE_CONFIG";

    private static final String NAME = "--config";

    private ConfigFileOption() {}

    /** A new one, to be mixed into a command that has settings. */
    static CommandSpec create() {
        return CommandSpec.create()
                .addOption(OptionSpec.builder(NAME).paramLabel("FILE").type(Path.class)
                        .description("YAML file with settings; the variable " + VARIABLE + " names it too. A flag "
                                + "overrides the SLUICE_* variable of the same name, which overrides the file.")
                        .build());
    }

    /** The file that {@code command} was given on its command line or by the environment; null for none. */
    static @Nullable Path of(CommandSpec command, Map<String, String> environment) {
        OptionSpec option = command.findOption(NAME);
        if (option == null) {
            return null;
        }
        Path file = option.getValue();
        String variable = environment.getOrDefault(VARIABLE, "");
        return file == null && !variable.isEmpty() ? Path.of(variable) : file;
    }
}
