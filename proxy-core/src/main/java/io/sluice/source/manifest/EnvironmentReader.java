package io.sluice.source.manifest;

import io.sluice.service.ServiceName;
import io.sluice.source.Excerpt;
import io.sluice.source.manifest.Variable.Fact;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The variables of containers ({@code env}, {@code envFrom}), with values from the ConfigMaps and Secrets of the same manifests. A
 * variable that cannot be had is left out with a warning: its program may do without. Not thread-safe.
 */
final class EnvironmentReader {

    private static final Map<String, Fact> FACTS = Map.of("metadata.name", Fact.NAME, "metadata.namespace",
            Fact.NAMESPACE, "status.podIP", Fact.IP, "status.podIPs", Fact.IP, "status.hostIP", Fact.HOST_IP,
            "status.hostIPs", Fact.HOST_IP);
    private static final String LABEL = "metadata.labels['";

    /** Where the values of ConfigMaps and Secrets are. */
    private record Source(String kind, ServiceName name) {}

    /** One entry, still without values of other objects. */
    private sealed interface Entry {

        /** A variable of its own. */
        record Own(Variable variable) implements Entry {}

        /** The value of a key. */
        record OfKey(String name, Source source, String key, boolean optional, String location) implements Entry {}

        /** All values of an object. */
        record OfAll(Source source, String prefix, boolean optional, String location) implements Entry {}
    }

    private final Problems problems;
    private final Map<Source, Map<String, String>> values = new HashMap<>();
    private final Map<String, List<Entry>> entries = new HashMap<>();

    EnvironmentReader(Problems problems) {
        this.problems = problems;
    }

    /** Whether objects of this kind and version have values. */
    static boolean reads(String kind, String version) {
        return version.equals("v1") && (kind.equals("ConfigMap") || kind.equals("Secret"));
    }

    /** Keeps the values of a ConfigMap or a Secret; octets that are no text are left out. */
    void readValues(Field document, String kind, ServiceName name) {
        Map<String, String> texts = new HashMap<>();
        try {
            for (Field member : document.get("data").members()) {
                String text = member.text("");
                texts.put(member.key(), kind.equals("Secret") ? decoded(member, text) : text);
            }
            texts.putAll(document.get("stringData").texts());
        } catch (InvalidFieldException e) {
            problems.warning(e.location(), kind + " " + name + " " + e.path(), String.valueOf(e.getMessage()));
        }
        values.put(new Source(kind, name), texts);
    }

    private static String decoded(Field member, String text) throws InvalidFieldException {
        try {
            return new String(Base64.getMimeDecoder().decode(text), StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw member.invalid("is not base64; plain text belongs into stringData");
        }
    }

    /** Keeps the entries of the first container of {@code subject}, whose Pods have these labels. */
    void readEntries(Field spec, String subject, ServiceName name, Map<String, String> labels) {
        List<Entry> found = new ArrayList<>();
        try {
            List<Field> containers = spec.get("containers").elements();
            if (!containers.isEmpty()) {
                for (Field from : containers.getFirst().get("envFrom").elements()) {
                    addAll(from, name, found);
                }
                for (Field one : containers.getFirst().get("env").elements()) {
                    add(one, subject, name, labels, found);
                }
            }
        } catch (InvalidFieldException e) {
            problems.warning(e.location(), subject + " " + e.path(), String.valueOf(e.getMessage()));
        }
        entries.put(subject, found);
    }

    private static void addAll(Field from, ServiceName name, List<Entry> found) throws InvalidFieldException {
        String prefix = from.get("prefix").text("");
        for (Map.Entry<String, String> kind : Map.of("configMapRef", "ConfigMap", "secretRef", "Secret").entrySet()) {
            Field reference = from.get(kind.getKey());
            if (reference.present()) {
                found.add(new Entry.OfAll(
                        new Source(kind.getValue(), new ServiceName(name.namespace(), reference.get("name").text(""))),
                        prefix, reference.get("optional").bool(false), reference.location()));
            }
        }
    }

    private void add(Field one, String subject, ServiceName name, Map<String, String> labels, List<Entry> found)
            throws InvalidFieldException {
        String variable = one.get("name").text("");
        if (variable.isEmpty() || variable.indexOf('=') >= 0 || variable.indexOf('\0') >= 0) {
            throw one.get("name").invalid("'" + Excerpt.of(variable) + "' is no name of a variable");
        }
        Field from = one.get("valueFrom");
        if (!from.present()) {
            found.add(new Entry.Own(new Variable(variable, one.get("value").text(""), null)));
            return;
        }
        for (Map.Entry<String, String> kind : Map.of("configMapKeyRef", "ConfigMap", "secretKeyRef", "Secret")
                .entrySet()) {
            Field reference = from.get(kind.getKey());
            if (reference.present()) {
                found.add(new Entry.OfKey(variable,
                        new Source(kind.getValue(), new ServiceName(name.namespace(), reference.get("name").text(""))),
                        reference.get("key").text(""), reference.get("optional").bool(false), reference.location()));
                return;
            }
        }
        Variable fact = fact(variable, from.get("fieldRef").get("fieldPath").text(""), labels);
        if (fact == null) {
            problems.warning(from.location(), subject + " " + from.path(),
                    "is not known of a program: it does not get the variable " + Excerpt.of(variable));
        } else {
            found.add(new Entry.Own(fact));
        }
    }

    private static @Nullable Variable fact(String variable, String path, Map<String, String> labels) {
        if (path.startsWith(LABEL) && path.endsWith("']")) {
            return new Variable(variable,
                    labels.getOrDefault(path.substring(LABEL.length(), path.length() - 2), ""), null);
        }
        Fact fact = FACTS.get(path);
        return fact == null ? null : new Variable(variable, "", fact);
    }

    /** The variables of {@code subject}, in their order; a later one of the same name counts. Once all documents are read. */
    List<Variable> variables(String subject) {
        Map<String, Variable> variables = new LinkedHashMap<>();
        for (Entry entry : entries.getOrDefault(subject, List.of())) {
            switch (entry) {
                case Entry.Own own -> put(variables, own.variable());
                case Entry.OfKey key -> {
                    Map<String, String> source = values.get(key.source());
                    String value = source == null ? null : source.get(key.key());
                    if (value != null) {
                        put(variables, new Variable(key.name(), escaped(value), null));
                    } else if (!key.optional()) {
                        problems.warning(key.location(), subject, "gets no variable " + Excerpt.of(key.name()) + ": "
                                + missing(key.source(), source == null ? "" : key.key()));
                    }
                }
                case Entry.OfAll all -> {
                    Map<String, String> source = values.get(all.source());
                    if (source != null) {
                        source.entrySet().stream().sorted(Map.Entry.comparingByKey())
                                .forEach(value -> put(variables,
                                        new Variable(all.prefix() + value.getKey(), escaped(value.getValue()), null)));
                    } else if (!all.optional()) {
                        problems.warning(all.location(), subject, "gets fewer variables: " + missing(all.source(), ""));
                    }
                }
            }
        }
        return List.copyOf(variables.values());
    }

    private static void put(Map<String, Variable> variables, Variable variable) {
        variables.remove(variable.name());
        variables.put(variable.name(), variable);
    }

    /** Only what stands in {@code env} itself refers to other variables. */
    private static String escaped(String value) {
        return value.replace("$(", "$$(");
    }

    private static String missing(Source source, String key) {
        return source.kind() + " " + source.name() + (key.isEmpty()
                ? " is not in the manifests"
                : " has no key '" + Excerpt.of(key) + "'");
    }
}
