package io.sluice.cli.config;

import io.sluice.cli.config.ConfigFile.ConfigFileException;
import io.sluice.service.BalancerKind;
import io.sluice.service.IpAddresses;
import io.sluice.source.Spelling;
import io.sluice.text.Printable;
import io.sluice.text.PrintableJson;
import java.net.InetSocketAddress;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * Supplies the values of settings that are not on the command line: from a {@code SLUICE_*} variable, else from the
 * configuration file. Others keep their built-in default. One instance serves one run of one command.
 */
public final class SettingSources implements IDefaultValueProvider {

    /** Variables that have a meaning and are not settings. */
    private static final Set<String> OTHER_VARIABLES = Set.of(ConfigFileFlag.VARIABLE, ServerFlag.VARIABLE,
            "SLUICE_JAVA_HOME", "SLUICE_JAVA_OPTS");

    private final Map<String, String> environment;
    private final Map<String, Setting> settings;
    private @Nullable ConfigFile file;
    private @Nullable OptionSpec help;

    /** @param settings all settings by key */
    public SettingSources(Map<String, String> environment, Map<String, Setting> settings) {
        this.environment = environment;
        this.settings = settings;
    }

    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
        if (!(argument instanceof OptionSpec option) || helpIsAskedFor(option.command())) {
            return null;
        }
        return given(option).map(ConfigFile.Value::text).orElse(null);
    }

    /** The origin of the value of {@code option}; empty for the command line and the built-in default. */
    public Optional<String> origin(OptionSpec option) {
        return given(option).map(ConfigFile.Value::location);
    }

    /** One line for each variable that looks like a setting and is none. */
    public List<String> warnings() {
        List<String> known = new ArrayList<>(OTHER_VARIABLES);
        settings.values().forEach(setting -> known.add(setting.variable()));
        return new TreeMap<>(environment).keySet().stream()
                .filter(name -> name.startsWith("SLUICE_") && !known.contains(name) && !isServiceVariable(name))
                .map(name -> "the variable " + name + " is not a setting and is ignored"
                        + Spelling.didYouMean(name, known))
                .toList();
    }

    /** In a cluster with a Service called sluice every pod has variables like SLUICE_PORT_10249_TCP_ADDR. */
    private static boolean isServiceVariable(String name) {
        return name.matches("SLUICE_(.*_)?(SERVICE_HOST|SERVICE_PORT(_\\w+)?|PORT(_\\d+_(TCP|UDP|SCTP)(_\\w+)?)?)");
    }

    private Optional<ConfigFile.Value> given(OptionSpec option) {
        Setting setting = settings.get(new Setting(option).key());
        if (setting == null || !setting.flag().equals(option.longestName())) {
            return Optional.empty();
        }
        String text = environment.get(setting.variable());
        if (text != null && (!text.isEmpty() || allowsEmpty(setting))) {
            String value = setting.isList() && !",".equals(setting.separator())
                    ? text.replace(",", setting.separator())
                    : text;
            return Optional.of(new ConfigFile.Value(value, setting.variable()));
        }
        return file(option.command()).get(setting.key())
                .map(value -> new ConfigFile.Value(value.text(), value.location() + ": " + setting.key()));
    }

    /** An empty variable counts as none, except where an empty value switches something off. */
    private static boolean allowsEmpty(Setting setting) {
        return setting.option().type() == BindAddress.class;
    }

    private ConfigFile file(CommandSpec command) {
        ConfigFile known = file;
        if (known == null) {
            known = read(command);
            file = known;
        }
        return known;
    }

    private ConfigFile read(CommandSpec command) {
        try {
            Path path = ConfigFileFlag.of(command, environment);
            return path == null ? ConfigFile.none() : ConfigFile.read(path, settings);
        } catch (ConfigFileException | InvalidPathException e) {
            ParameterException mistake =
                    new ParameterException(command.commandLine(), String.valueOf(e.getMessage()));
            mistake.initCause(e);
            throw mistake;
        }
    }

    /** Called for each option; searches all options only once. */
    private boolean helpIsAskedFor(CommandSpec command) {
        OptionSpec known = help == null ? command.findOption("--help") : help;
        help = known;
        return known != null && Boolean.TRUE.equals(known.getValue());
    }

    /** The settings of {@code command} as a configuration file, each line with the origin of its value. */
    public String effective(CommandSpec command) {
        StringBuilder text = new StringBuilder("# Settings in effect, and where each comes from.\n");
        Setting.sectionsOf(command).forEach((heading, section) -> {
            text.append("\n# ").append(heading).append('\n');
            for (Setting setting : section) {
                OptionSpec option = command.findOption(setting.flag());
                String origin = command.commandLine().getParseResult().hasMatchedOption(option)
                        ? setting.flag()
                        : origin(option).orElse("default").replaceFirst(": " + setting.key() + "$", "");
                text.append(setting.key()).append(": ").append(yaml(option.getValue())).append("  # ")
                        .append(Printable.of(origin))
                        .append('\n');
            }
        });
        return text.toString();
    }

    /** A value as YAML, so that reading it gives the same value again. */
    public static String yaml(@Nullable Object value) {
        return switch (value) {
            case null -> "\"\"";
            case Iterable<?> items -> {
                List<String> parts = new ArrayList<>();
                items.forEach(item -> parts.add(yaml(item)));
                yield parts.stream().collect(Collectors.joining(", ", "[", "]"));
            }
            case Duration duration -> GoDuration.format(duration);
            case BalancerKind kind -> kind.word();
            case Enum<?> constant -> EnumConverter.of(constant);
            case InetSocketAddress address -> quoted(IpAddresses.formatZoned(address.getAddress(), address.getPort()));
            default -> quoted(value.toString());
        };
    }

    private static String quoted(String text) {
        if (text.matches("[A-Za-z0-9/][A-Za-z0-9_./:-]*") && !text.endsWith(":")
                && !text.matches("(?i)null|true|false|yes|no")
                || text.equals("true") || text.equals("false")) {
            return text;
        }
        // The escapes of JSON are those of YAML's double-quoted style: YAML 1.2.2, 5.7.
        return PrintableJson.mapper().writeValueAsString(text);
    }
}
