package io.sluice.cli.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * One daemon setting: an option of {@code sluice run} that also has a name in the environment and in the configuration
 * file. The options are the only definition; names, files and the reference are derived from them.
 */
public record Setting(OptionSpec option) {

    /** The mixins of {@code run} whose options are settings, with their headings. */
    static final Map<String, String> SECTIONS;

    static {
        Map<String, String> sections = new LinkedHashMap<>();
        sections.put("services", "Services");
        sections.put("kubernetes", "Kubernetes");
        sections.put("listeners", "Listeners");
        sections.put("node", "The node");
        sections.put("balancing", "Balancing");
        sections.put("connections", "Connections");
        sections.put("flows", "Flows of datagrams");
        sections.put("dns", "Cluster DNS");
        sections.put("admin", "Metrics and health");
        sections.put("logs", "Logs");
        SECTIONS = sections;
    }

    /** Every setting of a command, by heading, in order; without sections that it does not have. */
    public static Map<String, List<Setting>> sectionsOf(CommandSpec command) {
        Map<String, List<Setting>> all = new LinkedHashMap<>();
        SECTIONS.forEach((mixin, heading) -> {
            CommandSpec section = command.mixins().get(mixin);
            if (section != null) {
                List<Setting> settings = new ArrayList<>();
                section.options().forEach(option -> settings.add(new Setting(option)));
                all.put(heading, settings);
            }
        });
        return all;
    }

    /**
     * Every setting by its key in the configuration file.
     *
     * @param run {@code sluice run}
     */
    public static Map<String, Setting> byKey(CommandSpec run) {
        Map<String, Setting> settings = new LinkedHashMap<>();
        sectionsOf(run).values().stream().flatMap(Collection::stream)
                .forEach(setting -> settings.put(setting.key(), setting));
        return settings;
    }

    /** The long flag, for example {@code --service-cidr}. */
    String flag() {
        return option.longestName();
    }

    /** Its name in the configuration file, for example {@code serviceCidr}. */
    public String key() {
        StringBuilder key = new StringBuilder();
        for (String word : flag().substring(2).split("-", -1)) {
            key.append(key.isEmpty() ? word : word.substring(0, 1).toUpperCase(Locale.ROOT) + word.substring(1));
        }
        return key.toString();
    }

    /** Its name in the environment, for example {@code SLUICE_SERVICE_CIDR}. */
    public String variable() {
        return "SLUICE_" + flag().substring(2).replace('-', '_').toUpperCase(Locale.ROOT);
    }

    /** Whether it takes several values. */
    public boolean isList() {
        return option.isMultiValue();
    }

    /** The separator of values of a list in one text. */
    public String separator() {
        return option.splitRegex();
    }

    /** The built-in value as text, empty if there is none. */
    public Optional<String> builtIn() {
        return Optional.ofNullable(option.defaultValue()).filter(value -> !value.isEmpty());
    }

    /** Its description, without the sentence about the built-in value. */
    public String description() {
        String candidates = option.completionCandidates() == null
                ? ""
                : String.join(", ", option.completionCandidates());
        // If a command line was made from the option, the values are replaced already.
        String text = String.join(" ", option.description()).replace("${COMPLETION-CANDIDATES}", candidates)
                .replace("${DEFAULT-VALUE}", builtIn().orElse(""));
        String tail = " Default: " + builtIn().orElse("");
        return text.endsWith(tail) ? text.substring(0, text.length() - tail.length()) : text;
    }
}
