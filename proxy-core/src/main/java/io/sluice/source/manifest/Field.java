package io.sluice.source.manifest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * One value of a YAML or JSON document together with where it stands, so that every complaint can name file, line and
 * field. A value that is absent or null is a {@code Field} as well; it reads as the default that the caller gives.
 */
final class Field {

    private final String source;
    private final String path;
    private final @Nullable Node node;
    private final int parentLine;

    private Field(String source, String path, @Nullable Node node, int parentLine) {
        this.source = source;
        this.path = path;
        this.node = node == null || node.getTag().equals(Tag.NULL) ? null : node;
        this.parentLine = parentLine;
    }

    /** The root of a document. */
    static Field root(String source, Node node) {
        return new Field(source, "", node, line(node, 1));
    }

    private static int line(@Nullable Node node, int otherwise) {
        return node == null ? otherwise : node.getStartMark().map(mark -> mark.getLine() + 1).orElse(otherwise);
    }

    boolean present() {
        return node != null;
    }

    String path() {
        return path;
    }

    /** {@code file:line}; an absent field stands where its parent does. */
    String location() {
        return source + ":" + line(node, parentLine);
    }

    InvalidFieldException invalid(String message) {
        return new InvalidFieldException(location(), path, message);
    }

    /** The member {@code key} of a mapping. */
    Field get(String key) throws InvalidFieldException {
        String childPath = path.isEmpty() ? key : path + "." + key;
        int line = line(node, parentLine);
        if (node == null) {
            return new Field(source, childPath, null, line);
        }
        Field found = null;
        for (NodeTuple tuple : mapping().getValue()) {
            if (tuple.getKeyNode() instanceof ScalarNode name && name.getValue().equals(key)) {
                if (found != null) {
                    throw new InvalidFieldException(source + ":" + line(name, line), childPath, "stands twice");
                }
                found = new Field(source, childPath, tuple.getValueNode(), line(name, line));
            }
        }
        return found == null ? new Field(source, childPath, null, line) : found;
    }

    /** The elements of a sequence; none if absent. */
    List<Field> elements() throws InvalidFieldException {
        if (node == null) {
            return List.of();
        }
        if (!(node instanceof SequenceNode sequence)) {
            throw invalid("must be a list");
        }
        List<Field> elements = new ArrayList<>(sequence.getValue().size());
        for (Node element : sequence.getValue()) {
            elements.add(new Field(source, path + "[" + elements.size() + "]", element, line(element, parentLine)));
        }
        return elements;
    }

    /** Text, or {@code otherwise} if absent. */
    String text(String otherwise) throws InvalidFieldException {
        if (node == null) {
            return otherwise;
        }
        if (!(node instanceof ScalarNode scalar)) {
            throw invalid("must be a text");
        }
        if (!scalar.getTag().equals(Tag.STR)) {
            throw invalid("must be a text: write \"" + scalar.getValue() + "\" in quotes");
        }
        return scalar.getValue();
    }

    /** Text, or null if absent. */
    @Nullable
    String text() throws InvalidFieldException {
        return node == null ? null : text("");
    }

    /** Text or a number as text, for fields that take both. */
    String textOrNumber(String otherwise) throws InvalidFieldException {
        if (node == null) {
            return otherwise;
        }
        if (node instanceof ScalarNode scalar
                && (scalar.getTag().equals(Tag.STR) || scalar.getTag().equals(Tag.INT))) {
            return scalar.getValue();
        }
        throw invalid("must be a number or a name");
    }

    boolean isNumber() {
        return node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.INT);
    }

    /** A whole number between the bounds, or {@code otherwise} if absent. */
    int integer(int min, int max, int otherwise) throws InvalidFieldException {
        if (node == null) {
            return otherwise;
        }
        if (node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.INT)) {
            try {
                long value = Long.parseLong(scalar.getValue());
                if (value >= min && value <= max) {
                    return (int) value;
                }
            } catch (NumberFormatException e) {
                throw invalid("'" + scalar.getValue() + "' must be a whole number between " + min + " and " + max);
            }
        }
        throw invalid((node instanceof ScalarNode scalar ? "'" + scalar.getValue() + "' " : "")
                + "must be a whole number between " + min + " and " + max);
    }

    /** A truth value, or {@code otherwise} if absent. */
    boolean bool(boolean otherwise) throws InvalidFieldException {
        if (node == null) {
            return otherwise;
        }
        if (node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.BOOL)) {
            return Boolean.parseBoolean(scalar.getValue());
        }
        throw invalid("must be true or false");
    }

    /** A mapping from text to text, such as labels; empty if absent. */
    Map<String, String> texts() throws InvalidFieldException {
        Map<String, String> texts = new LinkedHashMap<>();
        for (String key : keys()) {
            texts.put(key, get(key).text(""));
        }
        return texts;
    }

    /** The keys of a mapping, in order; none if absent. */
    Set<String> keys() throws InvalidFieldException {
        Set<String> keys = new TreeSet<>();
        if (node != null) {
            for (NodeTuple tuple : mapping().getValue()) {
                if (tuple.getKeyNode() instanceof ScalarNode name) {
                    keys.add(name.getValue());
                } else {
                    throw invalid("has a key that is not a text");
                }
            }
        }
        return keys;
    }

    private MappingNode mapping() throws InvalidFieldException {
        if (node instanceof MappingNode mapping) {
            return mapping;
        }
        throw invalid("must be a mapping (key: value)");
    }
}
