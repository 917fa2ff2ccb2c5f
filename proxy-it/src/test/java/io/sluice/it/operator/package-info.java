/** What operators do by hand with a running daemon, and what they see of it. */
package io.sluice.it.operator;
