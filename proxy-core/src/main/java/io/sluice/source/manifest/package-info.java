/**
 * Services from Kubernetes manifests: reads files, adds what an API server and its controllers would add (addresses, node
 * ports, endpoints), and follows edits.
 *
 * <p>{@code ManifestSource} is the door. May import {@code source}, {@code source.yaml} and {@code service}.
 */
@NullMarked
package io.sluice.source.manifest;

import org.jspecify.annotations.NullMarked;
