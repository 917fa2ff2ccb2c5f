package io.sluice.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A long body on its way to one client, made while the client reads it: what is in memory does not depend on its length. One
 * thread at a time.
 */
final class LongBody implements AutoCloseable {

    /** About what one holds: the compressor's tables, and what the network has not taken yet. */
    static final int HELD_BYTES = 512 * 1024;

    private static final int PART_BYTES = 16 * 1024;
    private static final int PARTS_AT_ONCE = 4;
    /** In plain text, of the parts that are made at once: bounds the time that it takes. */
    private static final int PLAIN_BYTES_AT_ONCE = 512 * 1024;

    private final Response.Maker maker;
    private final ByteArrayOutputStream part = new ByteArrayOutputStream(PART_BYTES + PART_BYTES / 2);
    private final @Nullable Compressor compressor;
    private final Counting plain;
    private boolean more = true;

    /** Begins it. */
    LongBody(Response.Pieces pieces, boolean compressed) throws IOException {
        this.maker = pieces.begin();
        this.compressor = compressed ? new Compressor(part) : null;
        this.plain = new Counting(compressor == null ? part : compressor);
    }

    /** The next parts; after the last {@link #ended} is true. */
    List<byte[]> next() throws IOException {
        List<byte[]> parts = new ArrayList<>();
        plain.count = 0;
        while (more && parts.size() < PARTS_AT_ONCE && plain.count < PLAIN_BYTES_AT_ONCE) {
            more = maker.writeSome(plain);
            if (!more && compressor != null) {
                compressor.finish();
            }
            if (part.size() >= PART_BYTES || !more) {
                parts.add(part.toByteArray());
                part.reset();
            }
        }
        return parts;
    }

    /** Whether there are no more parts. */
    boolean ended() {
        return !more;
    }

    /** Frees the compressor. */
    @Override
    public void close() {
        more = false;
        if (compressor != null) {
            compressor.end();
        }
    }

    /** Counts what is written. */
    private static final class Counting extends OutputStream {

        private final OutputStream out;
        private int count;

        Counting(OutputStream out) {
            this.out = out;
        }

        @Override
        public void write(int octet) throws IOException {
            count++;
            out.write(octet);
        }

        @Override
        public void write(byte[] octets, int offset, int length) throws IOException {
            count += length;
            out.write(octets, offset, length);
        }
    }

    /** As fast as it can be: text of this kind becomes small all the same. */
    private static final class Compressor extends GZIPOutputStream {

        Compressor(OutputStream out) throws IOException {
            super(out, 8 * 1024);
            def.setLevel(Deflater.BEST_SPEED);
        }

        void end() {
            def.end();
        }
    }
}
