package io.sluice.source.kubernetes;

/** What names an object of one kind; {@code namespace} is empty for kinds that have none. */
record ObjectKey(String namespace, String name) {

    /** {@code namespace/name}, or the name alone. */
    @Override
    public String toString() {
        return namespace.isEmpty() ? name : namespace + '/' + name;
    }
}
