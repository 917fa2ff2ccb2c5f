/** One daemon process under a checked load for as long as there is time, while faults come and go at random. */
package io.sluice.it.soak;
