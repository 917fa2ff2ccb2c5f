package io.sluice.connection;

import io.sluice.connection.TcpEnd.Chunk;

/** A buffer on its way to a socket of a {@link SimulatedDriver}. */
final class WriteBuffer {

    final int length;
    Chunk rest;

    WriteBuffer(Chunk chunk) {
        this.length = chunk.length();
        this.rest = chunk;
    }
}
