/** The proxy on a node of its own, made of network namespaces: root only, skipped elsewhere. */
package io.sluice.it.node;
