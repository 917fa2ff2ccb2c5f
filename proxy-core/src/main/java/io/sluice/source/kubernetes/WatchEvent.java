package io.sluice.source.kubernetes;

import tools.jackson.databind.JsonNode;

/** What a watch says, checked: it is about an object of the kind that is watched, and not from before what is known. */
sealed interface WatchEvent {

    /** Of the object, or of all of them for a bookmark: where a later watch goes on. */
    String version();

    /** An object was added, or is another now. */
    record Put(ObjectKey key, JsonNode object, String version) implements WatchEvent {}

    /** An object is gone; it need not be known. */
    record Removed(ObjectKey key, String version) implements WatchEvent {}

    /** Nothing has happened, up to this version. */
    record Bookmark(String version) implements WatchEvent {}

    /**
     * Reads an event.
     *
     * @param known the version up to which everything is known
     * @throws ApiException           if it says that the server cannot go on
     * @throws StoreWentBackException if it is from before {@code known}
     * @throws SuspectAnswerException if no API server says such a thing
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
                    throw new SuspectAnswerException("has a bookmark of " + ObjectKind.said(object.path("kind"))
                            + " in a watch of " + kind.kind());
                }
                yield new Bookmark(version);
            }
            default -> throw new SuspectAnswerException("has an event of type " + ObjectKind.said(event.path("type"))
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
