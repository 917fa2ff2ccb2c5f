/**
 * Services from Kubernetes manifests: files are read, what an API server and its controllers would add is added
 * (addresses, node ports, endpoints), and edits are followed.
 *
 * <p>{@code ManifestSource} is the door. May import {@code source}, {@code source.yaml} and {@code service}.
 */
@NullMarked
package io.sluice.source.manifest;

import org.jspecify.annotations.NullMarked;
