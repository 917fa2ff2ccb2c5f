package io.sluice.nftables;

/**
 * An element of a set, or of a map.
 *
 * @param key  as it is in packets
 * @param end  the last key of a range that begins with {@code key}; empty for a single key
 * @param data the value in a map; empty in a set, and where an element is removed
 */
@SuppressWarnings("ArrayRecordComponent") // written once, and never compared
record Element(byte[] key, byte[] end, byte[] data) {

    private static final byte[] NONE = {};

    static Element of(byte[] key) {
        return new Element(key, NONE, NONE);
    }

    static Element of(byte[] key, byte[] data) {
        return new Element(key, NONE, data);
    }

    static Element range(byte[] first, byte[] last) {
        return new Element(first, last, NONE);
    }
}
