/**
 * Pure: makes text from outside printable. Names, annotations, paths and messages from outside may have line breaks, escape
 * sequences of terminals and megabytes; every output passes them through here first.
 */
@NullMarked
package io.sluice.text;

import org.jspecify.annotations.NullMarked;
