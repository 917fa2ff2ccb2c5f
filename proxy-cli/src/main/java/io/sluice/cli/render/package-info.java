/** How things look on a terminal: tables, ages and colours as users of kubectl know them. Of Sluice it knows how texts are
 * shown, and nothing else. */
@NullMarked
package io.sluice.cli.render;

import org.jspecify.annotations.NullMarked;
