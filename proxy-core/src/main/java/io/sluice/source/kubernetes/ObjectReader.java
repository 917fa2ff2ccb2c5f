package io.sluice.source.kubernetes;

import tools.jackson.databind.JsonNode;

/** Makes the few facts that are kept out of an object as the API server sends it. Stateless. */
@FunctionalInterface
interface ObjectReader<T> {

    /** Reads {@code object}, which has the name {@code key}; never fails, however odd the object is. */
    ReadObject<T> read(ObjectKey key, JsonNode object);
}
