/**
 * The tests' own API server: {@link io.sluice.it.testbed.apiserver.ApiServer} over
 * {@link io.sluice.it.testbed.apiserver.ApiStore}, with the faults that real ones have;
 * {@link io.sluice.it.testbed.apiserver.ApiServerMain} runs it by itself.
 */
package io.sluice.it.testbed.apiserver;
