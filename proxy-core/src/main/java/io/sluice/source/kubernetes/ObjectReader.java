package io.sluice.source.kubernetes;

import tools.jackson.databind.JsonNode;

/** Reads the fields that are kept of an object of the API server. Stateless. */
@FunctionalInterface
interface ObjectReader<T> {

    /** Reads {@code object}, whose name is {@code key}; never fails, whatever the object has. */
    ReadObject<T> read(ObjectKey key, JsonNode object);
}
