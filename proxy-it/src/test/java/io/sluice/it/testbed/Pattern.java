package io.sluice.it.testbed;

/** Streams of bytes that can be told from any other, made and checked without being held. */
public final class Pattern {

    private Pattern() {}

    /** Byte {@code position} of the stream {@code seed}: a lost, doubled or moved byte shows at once. */
    static byte at(long seed, long position) {
        long x = (position ^ seed) * 0x9E3779B97F4A7C15L;
        return (byte) (x >>> 56);
    }

    /** Fills the first {@code length} bytes with those from {@code position}. */
    public static void fill(byte[] bytes, int length, long seed, long position) {
        for (int i = 0; i < length; i++) {
            bytes[i] = at(seed, position + i);
        }
    }

    /** Fails at the first byte that is not the stream's. */
    public static void compare(byte[] bytes, int length, long seed, long position) {
        for (int i = 0; i < length; i++) {
            if (bytes[i] != at(seed, position + i)) {
                throw new AssertionError("byte " + (position + i) + " is wrong");
            }
        }
    }
}
