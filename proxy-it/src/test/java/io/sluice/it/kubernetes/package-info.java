/** Services from an API server: the testbed's own one, with the faults that real ones have, and the proxy in front of it. */
package io.sluice.it.kubernetes;
