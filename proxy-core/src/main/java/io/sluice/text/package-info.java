/**
 * Pure: how text that comes from outside is shown. Names, annotations, paths and messages of others may hold line breaks,
 * escape sequences of terminals and megabytes; whoever shows them makes them fit here first.
 */
@NullMarked
package io.sluice.text;

import org.jspecify.annotations.NullMarked;
