package io.sluice.proxy;

import java.net.InetSocketAddress;

/**
 * The destination of an accepted connection.
 *
 * @param address the address that its client connected to
 * @param port    the Service port that has the address
 * @param kind    the kind of the address
 */
record Destination(InetSocketAddress address, ServicePortTargets port, AddressKind kind) {}
