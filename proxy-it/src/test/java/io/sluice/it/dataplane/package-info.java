/** What happens to connections and their bytes between accept and close. */
package io.sluice.it.dataplane;
