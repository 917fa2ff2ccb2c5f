package io.sluice.source.manifest;

import io.sluice.source.Excerpt;
import io.sluice.source.yaml.YamlNode;
import io.sluice.source.yaml.YamlNode.Mapping;
import io.sluice.source.yaml.YamlNode.Member;
import io.sluice.source.yaml.YamlNode.Scalar;
import io.sluice.source.yaml.YamlNode.Sequence;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One value of a YAML or JSON document with its position, so that every message can name file, line and field. A value that
 * is absent or null is a {@code Field} as well; it reads as the default that the caller gives.
 */
final class Field {

    /** Unquoted, these are booleans to Kubernetes' tools, which read YAML 1.1, and strings in YAML 1.2. */
    private static final Set<String> OLD_TRUE = Set.of("y", "yes", "on");
    private static final Set<String> OLD_FALSE = Set.of("n", "no", "off");

    private final String source;
    private final String path;
    private final @Nullable YamlNode node;
    private final int line;
    private final String key;

    private Field(String source, String path, @Nullable YamlNode node, int line) {
        this(source, path, node, line, "");
    }

    private Field(String source, String path, @Nullable YamlNode node, int line, String key) {
        this.key = key;
        this.source = source;
        this.path = path;
        this.node = node == null || node.isNull() ? null : node;
        this.line = line;
    }

    /** The root of a document. */
    static Field root(String source, YamlNode node) {
        return new Field(source, "", node, node.line());
    }

    boolean present() {
        return node != null;
    }

    boolean isMapping() {
        return node instanceof Mapping;
    }

    boolean isSequence() {
        return node instanceof Sequence;
    }

    String path() {
        return path;
    }

    /** {@code file:line} of a member's key or of a list's element; an absent field has the position of its parent. */
    String location() {
        return source + ":" + line;
    }

    InvalidFieldException invalid(String message) {
        return new InvalidFieldException(location(), path, message);
    }

    /** The number of values in it, itself included. */
    int weight() {
        return node == null ? 0 : node.weight();
    }

    /** The member {@code key} of a mapping. */
    Field get(String key) throws InvalidFieldException {
        String childPath = path.isEmpty() ? key : path + "." + key;
        if (node == null) {
            return new Field(source, childPath, null, line);
        }
        Field found = null;
        for (Member member : mapping().members()) {
            if (member.key().text().equals(key)) {
                int keyLine = member.key().line();
                if (found != null) {
                    throw new InvalidFieldException(source + ":" + keyLine, childPath, "is a duplicate key");
                }
                found = new Field(source, childPath, member.value(), keyLine);
            }
        }
        return found == null ? new Field(source, childPath, null, line) : found;
    }

    /** The elements of a sequence; none if absent. */
    List<Field> elements() throws InvalidFieldException {
        if (node == null) {
            return List.of();
        }
        if (!(node instanceof Sequence sequence)) {
            throw invalid("must be a list");
        }
        List<Field> elements = new ArrayList<>(sequence.elements().size());
        for (YamlNode element : sequence.elements()) {
            elements.add(new Field(source, path + "[" + elements.size() + "]", element, element.line()));
        }
        return elements;
    }

    /** Text, or {@code otherwise} if absent. */
    String text(String otherwise) throws InvalidFieldException {
        if (node == null) {
            return otherwise;
        }
        if (!(node instanceof Scalar scalar)) {
            throw invalid("must be a text");
        }
        if (scalar.type() != YamlNode.Type.TEXT || scalar.text().length() > 1 && oldTruth(scalar) != null) {
            throw invalid("must be a text: write \"" + Excerpt.of(scalar.text()) + "\" in quotes");
        }
        return scalar.text();
    }

    /** Text, or null if absent. */
    @Nullable
    String text() throws InvalidFieldException {
        return node == null ? null : text("");
    }

    boolean isNumber() {
        return node instanceof Scalar scalar && scalar.type() == YamlNode.Type.INT;
    }

    /** A whole number between the bounds, or {@code otherwise} if absent. */
    int integer(int min, int max, int otherwise) throws InvalidFieldException {
        if (node == null) {
            return otherwise;
        }
        String wanted = "must be a whole number between " + min + " and " + max;
        if (!(node instanceof Scalar scalar)) {
            throw invalid(wanted);
        }
        if (scalar.type() == YamlNode.Type.INT) {
            try {
                long value = Long.parseLong(scalar.text());
                if (value >= min && value <= max && Long.toString(value).equals(scalar.text())) {
                    return (int) value;
                }
            } catch (NumberFormatException e) {
                throw invalid("'" + Excerpt.of(scalar.text()) + "' " + wanted);
            }
        }
        throw invalid("'" + Excerpt.of(scalar.text()) + "' " + wanted);
    }

    /** A boolean, or {@code otherwise} if absent. */
    boolean bool(boolean otherwise) throws InvalidFieldException {
        if (node == null) {
            return otherwise;
        }
        if (node instanceof Scalar scalar && scalar.type() == YamlNode.Type.BOOL) {
            return Boolean.parseBoolean(scalar.text());
        }
        Boolean old = node instanceof Scalar scalar ? oldTruth(scalar) : null;
        if (old == null) {
            throw invalid("must be true or false");
        }
        return old;
    }

    private static @Nullable Boolean oldTruth(Scalar scalar) {
        String text = scalar.text();
        if (text.length() > 3 || !scalar.plain()) {
            return null;
        }
        String lower = text.toLowerCase(Locale.ROOT);
        return OLD_TRUE.contains(lower) ? Boolean.TRUE : OLD_FALSE.contains(lower) ? Boolean.FALSE : null;
    }

    /** A mapping from text to text, such as labels; empty if absent. */
    Map<String, String> texts() throws InvalidFieldException {
        Map<String, String> texts = new LinkedHashMap<>();
        for (Field member : members()) {
            if (texts.put(member.key(), member.text("")) != null) {
                throw member.invalid("is a duplicate key");
            }
        }
        return texts;
    }

    /** The members of a mapping, in order; none if absent. */
    List<Field> members() throws InvalidFieldException {
        if (node == null) {
            return List.of();
        }
        List<Field> members = new ArrayList<>();
        for (Member member : mapping().members()) {
            String name = member.key().text();
            String childPath = (path.isEmpty() ? "" : path + ".") + Excerpt.of(name);
            members.add(new Field(source, childPath, member.value(), member.key().line(), name));
        }
        return members;
    }

    /** The key of a member from {@link #members}. */
    String key() {
        return key;
    }

    private Mapping mapping() throws InvalidFieldException {
        if (node instanceof Mapping mapping) {
            return mapping;
        }
        throw invalid("must be a mapping (key: value)");
    }
}
