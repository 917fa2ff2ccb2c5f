package io.sluice.connection;

/** The two ends of a proxied connection. */
public enum Side {
    /** The peer that connected to the proxy. */
    CLIENT,
    /** The endpoint that the proxy connected to. */
    BACKEND;

    /** The end opposite to this one. */
    public Side other() {
        return this == CLIENT ? BACKEND : CLIENT;
    }
}
