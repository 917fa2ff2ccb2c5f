package io.sluice.source.kubernetes;

import io.sluice.service.TriggerTime;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The result of reading an object of the API.
 *
 * @param value    the fields that are kept; null if the object cannot be used at all
 * @param mistakes the mistakes in the object, one line each, without the object's name
 * @param change   the last change trigger time, for endpoints that have it
 */
record ReadObject<T>(@Nullable T value, List<String> mistakes, @Nullable TriggerTime change) {

    /** Without a last change trigger time. */
    ReadObject(@Nullable T value, List<String> mistakes) {
        this(value, mistakes, null);
    }

    ReadObject {
        mistakes = List.copyOf(mistakes);
    }
}
