package io.sluice.reconcile;

/**
 * Whether connections to Services are intercepted, or this process listens on the addresses of Services.
 *
 * @param on            they are intercepted
 * @param fallback      besides, while no proxy listens, the kernel leads them to endpoints itself
 * @param masqueradeAll besides, endpoints see this node's address for all traffic to cluster addresses
 */
public record Interception(boolean on, boolean fallback, boolean masqueradeAll) {

    /** This process listens; its routes make the addresses local, or other software does. */
    public static final Interception OFF = new Interception(false, false, false);
}
