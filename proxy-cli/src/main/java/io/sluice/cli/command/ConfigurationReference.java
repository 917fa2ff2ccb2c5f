package io.sluice.cli.command;

import io.sluice.cli.config.Setting;
import io.sluice.cli.config.SettingSources;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Model.CommandSpec;

/** The settings of {@code sluice run} as documents, made from the options alone. */
final class ConfigurationReference {

    private ConfigurationReference() {}

    /** {@code docs/configuration.md}. */
    static String markdown() {
        StringBuilder text = new StringBuilder("""
                # Configuration

                <!-- Made by `./sluice reference markdown > docs/configuration.md`; edit the options instead. -->

                Every setting of `sluice run` can be given in three ways. The first that gives it wins:

                1. a flag: `--drain-timeout 1m`
                2. an environment variable: `SLUICE_DRAIN_TIMEOUT=1m`
                3. a line in the YAML file that `--config FILE` or `SLUICE_CONFIG` names: `drainTimeout: 1m`

                `sluice run --print-config` prints every setting in effect and where it comes from, as a file that can be
                used with `--config`. [config/sluice.yaml](../config/sluice.yaml) lists every setting with its default.
                `sluice check` understands the settings under "Services" too.

                - Durations are written as in Kubernetes: `250ms`, `30s`, `5m`, `1h30m`, `0`.
                - Several values: repeat the flag or separate them by commas; in the file a YAML list works too.
                - A key in the file that is not a setting, or a value that is not of its kind, ends the start with the
                  file and the line. A `SLUICE_*` variable that is not a setting is a warning.
                - Where kube-proxy has a flag for the same thing, the flag has its name.
                """);
        sections().forEach((heading, settings) -> {
            text.append("\n## ").append(heading).append("\n\n| Flag | Variable | Key | Default | |\n")
                    .append("| --- | --- | --- | --- | --- |\n");
            for (Setting setting : settings) {
                text.append("| ").append(String.join("<br>", flags(setting))).append(" | `").append(setting.variable())
                        .append("` | `").append(setting.key()).append("` | ").append(shownDefault(setting))
                        .append(" | ").append(setting.description().replace("|", "\\|")).append(" |\n");
            }
        });
        return text.toString();
    }

    /** {@code config/sluice.yaml}: all defaults, as comments. */
    static String yaml() {
        StringBuilder text = new StringBuilder("""
                # Sluice's settings with their defaults. Use it with: sluice run --config sluice.yaml
                # A line takes effect when its '#' is taken away. Flags and SLUICE_* variables override this file.
                #
                # Made by: ./sluice reference yaml > config/sluice.yaml
                """);
        sections().forEach((heading, settings) -> {
            text.append("\n# ---- ").append(heading).append(" ----\n");
            for (Setting setting : settings) {
                text.append('\n');
                wrap(setting.description(), 116).forEach(line -> text.append("# ").append(line).append('\n'));
                text.append('#').append(setting.key()).append(": ").append(yamlDefault(setting)).append('\n');
            }
        });
        return text.toString();
    }

    private static Map<String, List<Setting>> sections() {
        return Setting.sectionsOf(CommandSpec.forAnnotatedObject(new RunCommand()));
    }

    private static List<String> flags(Setting setting) {
        return List.of(setting.option().names()).stream().map(name -> "`" + name + "`").toList();
    }

    private static String shownDefault(Setting setting) {
        return setting.builtIn().map(value -> "`" + value.replace(",", ", ") + "`").orElse("");
    }

    private static String yamlDefault(Setting setting) {
        String value = setting.builtIn().orElse("");
        if (!setting.isList()) {
            return SettingSources.yaml(value);
        }
        return value.isEmpty()
                ? "[]"
                : List.of(value.split(setting.separator(), -1)).stream().map(SettingSources::yaml)
                        .collect(Collectors.joining(", ", "[", "]"));
    }

    private static List<String> wrap(String text, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.split(" ", -1)) {
            if (!line.isEmpty() && line.length() + 1 + word.length() > width) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.isEmpty() ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }
}
