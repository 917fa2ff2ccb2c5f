/**
 * Services from a Kubernetes API server: lists, watches, and merges what it says into snapshots.
 *
 * <p>The Kubernetes client gives kubeconfig, credentials, TLS and HTTP; what is asked of the server and what is kept of
 * its answers is decided here. Nothing of the client's model is cached. May import {@code source}, {@code source.yaml} and
 * {@code service}.
 */
@NullMarked
package io.sluice.source.kubernetes;

import org.jspecify.annotations.NullMarked;
