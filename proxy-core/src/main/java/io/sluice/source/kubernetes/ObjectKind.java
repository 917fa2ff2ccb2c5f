package io.sluice.source.kubernetes;

import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * The kinds of objects that are listed, and the fields that every object of a kind has if it comes from an API server, which
 * validates what it stores. Pure.
 */
enum ObjectKind {
    /** {@code core/v1}. */
    SERVICE("v1", "Service", true),
    /** {@code discovery.k8s.io/v1}. */
    ENDPOINT_SLICE("discovery.k8s.io/v1", "EndpointSlice", true),
    /** {@code core/v1}; deprecated since 1.33. */
    ENDPOINTS("v1", "Endpoints", true),
    /** {@code core/v1}. */
    NODE("v1", "Node", false);

    /** Narrower than the names that an API server allows for any kind; names appear in logs and metrics. */
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._:-]{0,252}");

    private final String apiVersion;
    private final String kind;
    private final boolean namespaced;

    ObjectKind(String apiVersion, String kind, boolean namespaced) {
        this.apiVersion = apiVersion;
        this.kind = kind;
        this.namespaced = namespaced;
    }

    String apiVersion() {
        return apiVersion;
    }

    /** As objects have it in {@code kind}. */
    String kind() {
        return kind;
    }

    /**
     * Checks {@code object} and returns its name.
     *
     * @param kindless whether {@code apiVersion} and {@code kind} may be missing, as in the items of a typed list
     * @throws SuspectAnswerException if no API server could have stored it as an object of this kind
     */
    ObjectKey check(JsonNode object, boolean kindless) throws SuspectAnswerException {
        JsonNode metadata = object.path("metadata");
        ObjectKey key = new ObjectKey(namespaced ? metadata.path("namespace").asString("").intern() : "",
                metadata.path("name").asString(""));
        if (!kindless || object.has("kind") || object.has("apiVersion")) {
            String found = shown(object.path("apiVersion")) + " " + shown(object.path("kind"));
            if (!found.equals(apiVersion + " " + kind)) {
                throw new SuspectAnswerException("has an object of " + found + " where " + apiVersion + " " + kind
                        + " was asked for");
            }
        }
        if (!metadata.path("name").isString() || !NAME.matcher(key.name()).matches()) {
            throw new SuspectAnswerException("has " + article() + kind + " without a name");
        }
        if (namespaced && (!metadata.path("namespace").isString() || !NAME.matcher(key.namespace()).matches())) {
            throw new SuspectAnswerException("has the " + kind + " " + key.name() + " without a namespace");
        }
        if (!hasItsForm(object)) {
            throw new SuspectAnswerException("has the " + kind + " " + key + ", which is none by its fields");
        }
        return key;
    }

    private boolean hasItsForm(JsonNode object) {
        return switch (this) {
            case SERVICE -> object.path("spec").isObject();
            case ENDPOINT_SLICE -> object.path("addressType").isString() && isListOrAbsent(object.path("endpoints"))
                    && isListOrAbsent(object.path("ports"));
            case ENDPOINTS -> isListOrAbsent(object.path("subsets"));
            case NODE -> true;
        };
    }

    /** Go writes an empty list as null. */
    private static boolean isListOrAbsent(JsonNode field) {
        return field.isArray() || field.isNull() || field.isMissingNode();
    }

    private String article() {
        return this == ENDPOINT_SLICE || this == ENDPOINTS ? "an " : "a ";
    }

    /** A text of a response for a message, shortened and without unprintable characters. */
    static String shown(JsonNode field) {
        return field.isMissingNode() || field.isNull()
                ? "nothing"
                : field.isContainer() ? "something else than a text" : shown(field.asString(""));
    }

    /** The same for a text. */
    static String shown(String text) {
        String line = text.length() > 60 ? text.substring(0, 60) + "…" : text;
        return line.isEmpty() ? "''" : line.replaceAll("[^\\x20-\\x7e…]", "?");
    }
}
