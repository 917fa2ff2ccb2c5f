package io.sluice.cli.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Help;
import picocli.CommandLine.IHelpSectionRenderer;
import picocli.CommandLine.Model.OptionSpec;

/** Lists a command's options in a help text: its own first, then each group of settings under its heading. */
public final class SectionedOptions implements IHelpSectionRenderer {

    @Override
    public String render(Help help) {
        Map<String, List<Setting>> sections = Setting.sectionsOf(help.commandSpec());
        List<OptionSpec> settings = sections.values().stream().flatMap(Collection::stream).map(Setting::option)
                .toList();
        List<OptionSpec> own = new ArrayList<>(help.commandSpec().options());
        own.removeAll(settings);
        StringBuilder text = new StringBuilder();
        append(text, help, "Options", own);
        sections.forEach((heading, section) -> append(text, help, heading, section.stream().map(Setting::option)
                .toList()));
        return text.toString();
    }

    private static void append(StringBuilder text, Help help, String heading, List<OptionSpec> options) {
        List<OptionSpec> shown = options.stream().filter(option -> !option.hidden()).toList();
        if (!shown.isEmpty()) {
            text.append('\n').append(heading).append(":\n").append(help.optionListExcludingGroups(shown));
        }
    }
}
