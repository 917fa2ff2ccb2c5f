package io.sluice.cli.config;

import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** The flag of the file with settings, which is read for settings that are neither flags nor variables. */
public final class ConfigFileFlag {

    static final String VARIABLE = "SLUICE_CONFIG";

    private static final String NAME = "--config";

    private ConfigFileFlag() {}

    /** A new option, to mix into a command that has settings. */
    public static CommandSpec create() {
        return CommandSpec.create()
                .addOption(OptionSpec.builder(NAME).paramLabel("FILE").type(Path.class)
                        .description("YAML file with settings; the variable " + VARIABLE + " names it too. A flag "
                                + "overrides the SLUICE_* variable of the same name, which overrides the file.")
                        .build());
    }

    /** The file that the command line of {@code command} or the environment names; null for none. */
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
