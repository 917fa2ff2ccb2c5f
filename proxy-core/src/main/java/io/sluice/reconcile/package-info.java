/**
 * Where "what should be" meets "what is": a snapshot becomes a desired state, its difference to the applied one becomes
 * steps, and the steps are applied in a safe order. Lives on the control thread.
 */
@NullMarked
package io.sluice.reconcile;

import org.jspecify.annotations.NullMarked;
