package io.sluice.service;

/** Whether endpoints are told the client's address in a header before the first byte (HAProxy's PROXY protocol). */
public enum ProxyProtocol {
    /** They are not. */
    NONE,
    /** A line of text. */
    V1,
    /** Binary. */
    V2
}
