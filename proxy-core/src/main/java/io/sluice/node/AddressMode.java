package io.sluice.node;

/** How the addresses of Services become addresses of this machine. */
public enum AddressMode {
    /** What suits the source: {@link #NONE} for manifests, {@link #LOCAL_ROUTE} for a Kubernetes API. */
    AUTO("auto"),
    /** Not at all: they are already, or somebody else sees to it. */
    NONE("none"),
    /** By routes of type local, for ranges or for single addresses. */
    LOCAL_ROUTE("local-route");

    private final String word;

    AddressMode(String word) {
        this.word = word;
    }

    /** How it is written in settings. */
    @Override
    public String toString() {
        return word;
    }
}
