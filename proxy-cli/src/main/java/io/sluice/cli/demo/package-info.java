/** {@code sluice demo}: Services, pods and connections made for a demonstration. */
@NullMarked
package io.sluice.cli.demo;

import org.jspecify.annotations.NullMarked;
