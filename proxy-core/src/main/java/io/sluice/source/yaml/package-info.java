/**
 * YAML and JSON that others have written, read within limits of time and memory into small trees that know their lines.
 *
 * <p>{@code YamlReader} is the door. May import {@code source} only.
 */
@NullMarked
package io.sluice.source.yaml;

import org.jspecify.annotations.NullMarked;
