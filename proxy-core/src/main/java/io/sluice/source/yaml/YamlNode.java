package io.sluice.source.yaml;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.resolver.ScalarResolver;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * One value of a document. No value contains itself, an alias is replaced by its value (the same object), and merge keys are
 * replaced by members.
 */
public sealed interface YamlNode {

    /** The line in which the value begins; the first one is 1. */
    int line();

    /** The number of values in it, itself included; a value that an alias repeats counts each time. */
    int weight();

    /** Whether it is null. */
    default boolean isNull() {
        return false;
    }

    /** The type of a scalar by YAML's core schema (YAML 1.2.2, 10.3). */
    enum Type {
        NULL, BOOL, INT, FLOAT, TEXT,
        /** It has a tag of another kind. */
        OTHER
    }

    /**
     * A text, a number, a boolean or null.
     *
     * @param text  the value, unquoted and unescaped
     * @param plain whether it is written without quotes
     * @param tag   the written tag; null for none
     */
    record Scalar(String text, boolean plain, @Nullable String tag, int line) implements YamlNode {

        private static final ScalarResolver CORE = new CoreSchema().getScalarResolver();
        private static final String STANDARD = "tag:yaml.org,2002:";

        /** Its type. */
        public Type type() {
            if (tag == null) {
                return plain ? type(CORE.resolve(text, true)) : Type.TEXT;
            }
            return switch (tag) {
                case "!", STANDARD + "str" -> Type.TEXT;
                case STANDARD + "null" -> Type.NULL;
                case STANDARD + "bool" -> Type.BOOL;
                case STANDARD + "int" -> Type.INT;
                case STANDARD + "float" -> Type.FLOAT;
                default -> Type.OTHER;
            };
        }

        /** Whether the tag is {@code !!binary}: bytes in base64 (yaml.org/type/binary). */
        public boolean isBinary() {
            return (STANDARD + "binary").equals(tag);
        }

        /** A variable in braces is a text to Kubernetes, and so is a merge key without a mapping to merge. */
        private static Type type(Tag tag) {
            return tag.equals(Tag.NULL)
                    ? Type.NULL
                    : tag.equals(Tag.BOOL)
                            ? Type.BOOL
                    : tag.equals(Tag.INT) ? Type.INT : tag.equals(Tag.FLOAT) ? Type.FLOAT : Type.TEXT;
        }

        boolean isMergeKey() {
            return plain && tag == null && text.equals("<<");
        }

        @Override
        public boolean isNull() {
            return type() == Type.NULL;
        }

        @Override
        public int weight() {
            return 1;
        }
    }

    /** A list. */
    record Sequence(List<YamlNode> elements, int line, int weight) implements YamlNode {}

    /** Keys with values, as they are written, duplicate keys included, followed by merged members. */
    record Mapping(List<Member> members, int line, int weight) implements YamlNode {}

    /** A key, which may have any type, and its value. */
    record Member(Scalar key, YamlNode value) {}
}
