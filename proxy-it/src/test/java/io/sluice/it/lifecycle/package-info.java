/** The daemon as a process: how it starts, what signals do, how it ends. */
package io.sluice.it.lifecycle;
