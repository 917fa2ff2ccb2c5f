package io.sluice.source.manifest;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.common.ScalarStyle;
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

    /** Unquoted, these are truth values to Kubernetes tools, which read YAML 1.1, and texts to YAML 1.2. */
    private static final Set<String> OLD_TRUE = Set.of("y", "yes", "on");
    private static final Set<String> OLD_FALSE = Set.of("n", "no", "off");

    private final String source;
    private final String path;
    private final @Nullable Node node;
    private final int line;
    private final String key;

    private Field(String source, String path, @Nullable Node node, int line) {
        this(source, path, node, line, "");
    }

    private Field(String source, String path, @Nullable Node node, int line, String key) {
        this.key = key;
        this.source = source;
        this.path = path;
        this.node = node == null || node.getTag().equals(Tag.NULL) ? null : node;
        this.line = line;
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

    /** {@code file:line} of a member's key or of a list's element; an absent field stands where its parent does. */
    String location() {
        return source + ":" + line;
    }

    InvalidFieldException invalid(String message) {
        return new InvalidFieldException(location(), path, message);
    }

    /** The member {@code key} of a mapping. */
    Field get(String key) throws InvalidFieldException {
        String childPath = path.isEmpty() ? key : path + "." + key;
        if (node == null) {
            return new Field(source, childPath, null, line);
        }
        Field found = null;
        for (NodeTuple tuple : mapping().getValue()) {
            if (tuple.getKeyNode() instanceof ScalarNode name && name.getValue().equals(key)) {
                int nameLine = line(name, line);
                if (found != null) {
                    throw new InvalidFieldException(source + ":" + nameLine, childPath, "stands twice");
                }
                found = new Field(source, childPath, tuple.getValueNode(), nameLine);
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
            elements.add(new Field(source, path + "[" + elements.size() + "]", element, line(element, line)));
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
        if (!scalar.getTag().equals(Tag.STR) || scalar.getValue().length() > 1 && oldTruth(scalar) != null) {
            throw invalid("must be a text: write \"" + scalar.getValue() + "\" in quotes");
        }
        return scalar.getValue();
    }

    /** Text, or null if absent. */
    @Nullable
    String text() throws InvalidFieldException {
        return node == null ? null : text("");
    }

    boolean isNumber() {
        return node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.INT);
    }

    /** A whole number between the bounds, or {@code otherwise} if absent. */
    int integer(int min, int max, int otherwise) throws InvalidFieldException {
        if (node == null) {
            return otherwise;
        }
        String wanted = "must be a whole number between " + min + " and " + max;
        if (!(node instanceof ScalarNode scalar)) {
            throw invalid(wanted);
        }
        if (scalar.getTag().equals(Tag.INT)) {
            try {
                long value = Long.parseLong(scalar.getValue());
                if (value >= min && value <= max && Long.toString(value).equals(scalar.getValue())) {
                    return (int) value;
                }
            } catch (NumberFormatException e) {
                throw invalid("'" + scalar.getValue() + "' " + wanted);
            }
        }
        throw invalid("'" + scalar.getValue() + "' " + wanted);
    }

    /** A truth value, or {@code otherwise} if absent. */
    boolean bool(boolean otherwise) throws InvalidFieldException {
        if (node == null) {
            return otherwise;
        }
        if (node instanceof ScalarNode scalar && scalar.getTag().equals(Tag.BOOL)) {
            return Boolean.parseBoolean(scalar.getValue());
        }
        Boolean old = node instanceof ScalarNode scalar ? oldTruth(scalar) : null;
        if (old == null) {
            throw invalid("must be true or false");
        }
        return old;
    }

    private static @Nullable Boolean oldTruth(ScalarNode scalar) {
        String text = scalar.getValue();
        if (text.length() > 3 || scalar.getScalarStyle() != ScalarStyle.PLAIN) {
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
                throw member.invalid("stands twice");
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
        for (NodeTuple tuple : mapping().getValue()) {
            if (!(tuple.getKeyNode() instanceof ScalarNode name)) {
                throw invalid("has a key that is not a text");
            }
            String childPath = path.isEmpty() ? name.getValue() : path + "." + name.getValue();
            members.add(new Field(source, childPath, tuple.getValueNode(), line(name, line), name.getValue()));
        }
        return members;
    }

    /** The name of a member that {@link #members} gave. */
    String key() {
        return key;
    }

    private MappingNode mapping() throws InvalidFieldException {
        if (node instanceof MappingNode mapping) {
            return mapping;
        }
        throw invalid("must be a mapping (key: value)");
    }
}
