package io.sluice.source.kubernetes;

import io.sluice.service.EndpointChange;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an object of the API came to.
 *
 * @param value    what is kept of it; null if it cannot be used at all
 * @param mistakes what is wrong with it, one line each, without the object's name
 * @param change   since when it says so, if it says that and is about endpoints
 */
record ReadObject<T>(@Nullable T value, List<String> mistakes, @Nullable EndpointChange change) {

    /** Of an object that does not say since when. */
    ReadObject(@Nullable T value, List<String> mistakes) {
        this(value, mistakes, null);
    }

    ReadObject {
        mistakes = List.copyOf(mistakes);
    }
}
