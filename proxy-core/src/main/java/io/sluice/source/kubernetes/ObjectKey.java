package io.sluice.source.kubernetes;

/** The name of an object of one kind; {@code namespace} is empty for kinds without namespace. */
record ObjectKey(String namespace, String name) {

    /** {@code namespace/name}, or the name alone. */
    @Override
    public String toString() {
        return namespace.isEmpty() ? name : namespace + '/' + name;
    }
}
