package io.sluice.node;

/** How connections to the addresses of Services reach this process. */
public enum AddressMode {
    /**
     * The mode that suits the source: {@link #NONE} for manifests; for a Kubernetes API {@link #NFTABLES}, or
     * {@link #LOCAL_ROUTE} where that is not possible.
     */
    AUTO("auto"),
    /** The proxy does nothing: packets for the addresses arrive here already, or other software makes them arrive. */
    NONE("none"),
    /** The proxy adds routes of type local, for ranges or for single addresses. */
    LOCAL_ROUTE("local-route"),
    /**
     * The kernel redirects connections to this process (TPROXY), port by port; the proxy does not make the addresses local,
     * and other packets to them go on as before.
     */
    NFTABLES("nftables");

    private final String word;

    AddressMode(String word) {
        this.word = word;
    }

    /** Its value in settings. */
    @Override
    public String toString() {
        return word;
    }
}
