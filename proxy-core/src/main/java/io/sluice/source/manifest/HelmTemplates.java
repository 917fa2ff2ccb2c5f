package io.sluice.source.manifest;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Recognizes files from which Helm makes manifests. */
final class HelmTemplates {

    /** What a template is, and what to do with it; follows a subject. */
    static final String ADVICE = advice("CHART");

    private HelmTemplates() {}

    /** Whether {@code text}, which is not YAML, has actions of Go templates. */
    static boolean isTemplate(byte[] text) {
        return new String(text, StandardCharsets.ISO_8859_1).contains("{{");
    }

    /** The same as {@link #ADVICE} for a file: names its chart if the file lies where templates of one do. */
    static String advice(Path file) {
        for (int i = file.getNameCount() - 2; i >= 0; i--) {
            if (file.getName(i).toString().equals("templates")) {
                Path templates = file.getRoot() == null ? file.subpath(0, i + 1)
                        : file.getRoot().resolve(file.subpath(0, i + 1));
                Path chart = templates.getParent();
                return advice(chart == null ? "." : chart.toString());
            }
        }
        return ADVICE;
    }

    private static String advice(String chart) {
        return "is a template of Helm: 'helm template " + chart + "' makes manifests of it, which -f - reads";
    }
}
