package io.sluice.service;

/** Whether a header before the first byte gives endpoints the client's address (HAProxy's PROXY protocol). */
public enum ProxyProtocol {
    /** No header. */
    NONE,
    /** A header that is a line of text. */
    V1,
    /** A binary header. */
    V2
}
