/**
 * Services from a Kubernetes API server: lists and watches objects, and merges them into snapshots.
 *
 * <p>The Kubernetes client provides kubeconfig, credentials, TLS and HTTP; this package decides which requests are sent and
 * which fields are kept. It uses neither the client's model nor its informers. May import {@code source},
 * {@code source.yaml} and {@code service}.
 */
@NullMarked
package io.sluice.source.kubernetes;

import org.jspecify.annotations.NullMarked;
