/**
 * What operators order by hand: a Unix socket for this user and root ({@code OperatorServer}), what is understood there
 * ({@code OperatorCommand}), and who carries it out ({@code Operator}).
 */
@NullMarked
package io.sluice.operator;

import org.jspecify.annotations.NullMarked;
