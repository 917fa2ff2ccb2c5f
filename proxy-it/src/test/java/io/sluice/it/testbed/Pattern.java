package io.sluice.it.testbed;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.zip.CRC32C;

/** Streams of bytes that can be told from any other, made and checked without being held. */
public final class Pattern {

    private static final int CHUNK = 64 * 1024;

    private Pattern() {}

    /** Byte {@code position} of the stream {@code seed}. */
    public static byte at(long seed, long position) {
        long x = (position ^ seed) * 0x9E3779B97F4A7C15L;
        return (byte) (x >>> 56);
    }

    /** Writes {@code length} bytes and returns their checksum. */
    public static long write(OutputStream out, long seed, long length) throws IOException {
        CRC32C sum = new CRC32C();
        byte[] chunk = new byte[CHUNK];
        for (long done = 0; done < length;) {
            int n = (int) Math.min(CHUNK, length - done);
            for (int i = 0; i < n; i++) {
                chunk[i] = at(seed, done + i);
            }
            sum.update(chunk, 0, n);
            out.write(chunk, 0, n);
            done += n;
        }
        return sum.getValue();
    }

    /** Reads to the end and returns how many bytes of the stream {@code seed} came, or fails at the first wrong one. */
    public static long verify(InputStream in, long seed) throws IOException {
        byte[] chunk = new byte[CHUNK];
        long position = 0;
        for (int n = in.read(chunk); n >= 0; n = in.read(chunk)) {
            for (int i = 0; i < n; i++) {
                if (chunk[i] != at(seed, position + i)) {
                    throw new AssertionError("byte " + (position + i) + " is wrong");
                }
            }
            position += n;
        }
        return position;
    }
}
