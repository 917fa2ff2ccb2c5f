/**
 * Reconciling: a snapshot becomes a desired state, its difference to the applied state becomes steps, and the steps are taken
 * in a safe order. Lives on the control thread.
 */
@NullMarked
package io.sluice.reconcile;

import org.jspecify.annotations.NullMarked;
