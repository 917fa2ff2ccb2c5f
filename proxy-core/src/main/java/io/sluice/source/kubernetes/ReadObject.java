package io.sluice.source.kubernetes;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What an object of the API came to.
 *
 * @param value    what is kept of it; null if it cannot be used at all
 * @param mistakes what is wrong with it, one line each, without the object's name
 */
record ReadObject<T>(@Nullable T value, List<String> mistakes) {

    ReadObject {
        mistakes = List.copyOf(mistakes);
    }
}
