package io.sluice.source.kubernetes;

import tools.jackson.databind.JsonNode;

/** A checked event of a watch: it is about an object of the watched kind, and not older than the view. */
sealed interface WatchEvent {

    /** The resourceVersion of the object or bookmark: a later watch resumes there. */
    String version();

    /** An object was added or modified. */
    record Put(ObjectKey key, JsonNode object, String version) implements WatchEvent {}

    /** An object was deleted; the view need not have it. */
    record Removed(ObjectKey key, String version) implements WatchEvent {}

    /** All events up to this version were sent. */
    record Bookmark(String version) implements WatchEvent {}

    /**
     * Reads an event.
     *
     * @param known the version of the view
     * @throws ApiException           if it is an error of the server
     * @throws StoreWentBackException if it is older than {@code known}
     * @throws SuspectAnswerException if no API server sends such an event
     */
    static WatchEvent read(JsonNode event, ObjectKind kind, String known)
            throws ApiException, StoreWentBackException, SuspectAnswerException {
        String type = event.path("type").asString("");
        JsonNode object = event.path("object");
        if (type.equals("ERROR") && object.path("kind").asString("").equals("Status")) {
            throw new ApiException(object.path("code").asInt(500),
                    ApiException.line(object.path("message").asString("unknown error")));
        }
        JsonNode metadata = object.path("metadata");
        String version = metadata.path("resourceVersion").asString("");
        WatchEvent read = switch (type) {
            case "ADDED", "MODIFIED" -> new Put(kind.check(object, false), object, version);
            case "DELETED" -> new Removed(kind.check(object, false), version);
            case "BOOKMARK" -> {
                if (!object.path("kind").asString("").equals(kind.kind())) {
                    throw new SuspectAnswerException("has a bookmark of " + ObjectKind.shown(object.path("kind"))
                            + " in a watch of " + kind.kind());
                }
                yield new Bookmark(version);
            }
            default -> throw new SuspectAnswerException("has an event of type " + ObjectKind.shown(event.path("type"))
                    + ", which there is not");
        };
        if (version.isEmpty() || version.length() > 256) {
            throw new SuspectAnswerException("has an event without resourceVersion");
        }
        if (ListTrust.older(version, known)) {
            throw new StoreWentBackException(version, known);
        }
        return read;
    }
}
