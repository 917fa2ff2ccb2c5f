/** Edits of the manifests while traffic flows. */
package io.sluice.it.reload;
