/**
 * Reads YAML and JSON of other users, within limits of time and memory, into small trees with line numbers.
 *
 * <p>{@code YamlReader} is the entrance. May import {@code source} only.
 */
@NullMarked
package io.sluice.source.yaml;

import org.jspecify.annotations.NullMarked;
