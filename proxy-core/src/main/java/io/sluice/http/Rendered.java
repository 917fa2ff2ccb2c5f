package io.sluice.http;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A response that is ready to be sent, to one client or to several that asked for the same. Its body is in small parts, as a
 * response may have 100 MB. Only the number of its readers changes.
 */
final class Rendered {

    /** The smallest body that is worth compressing. */
    private static final int COMPRESS_FROM_BYTES = 4096;

    private final Response response;
    private final boolean compressed;
    private final List<byte[]> body;
    private final long length;
    /** The clients that are reading it. On the server's event loop. */
    private int takers;

    private Rendered(Response response, boolean compressed, List<byte[]> body, long length) {
        this.response = response;
        this.compressed = compressed;
        this.body = body;
        this.length = length;
    }

    /**
     * Writes the body of {@code response}; any thread.
     *
     * @param compress whether the client accepts gzip
     */
    static Rendered of(Response response, boolean compress) {
        Body body = new Body(compress);
        try (body) {
            response.content().writeTo(body);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        long length = body.parts.length;
        return new Rendered(response, body.compressor != null, body.parts.take(), length);
    }

    Response response() {
        return response;
    }

    boolean compressed() {
        return compressed;
    }

    List<byte[]> body() {
        return body;
    }

    /** The length of the body in octets. */
    long length() {
        return length;
    }

    /** One more client reads it; whether it is the first. */
    boolean take() {
        return ++takers == 1;
    }

    /** One client less reads it; whether it was the last. */
    boolean letGo() {
        return --takers == 0;
    }

    /** Compresses once the body is large enough. */
    private static final class Body extends OutputStream {

        private final Parts parts = new Parts();
        private final boolean compress;
        private @Nullable GZIPOutputStream compressor;

        Body(boolean compress) {
            this.compress = compress;
        }

        @Override
        public void write(int octet) throws IOException {
            write(new byte[] {(byte) octet}, 0, 1);
        }

        @Override
        public void write(byte[] octets, int offset, int count) throws IOException {
            if (compressor == null && compress && parts.length + count >= COMPRESS_FROM_BYTES) {
                List<byte[]> plain = parts.take();
                compressor = new GZIPOutputStream(parts);
                for (byte[] part : plain) {
                    compressor.write(part);
                }
            }
            (compressor == null ? parts : compressor).write(octets, offset, count);
        }

        @Override
        public void close() throws IOException {
            if (compressor != null) {
                compressor.close();
            }
        }
    }

    /** Memory that grows without being copied. */
    private static final class Parts extends OutputStream {

        private static final int SMALLEST = 512;
        private static final int LARGEST = 16 * 1024;

        private List<byte[]> full = new ArrayList<>();
        private byte[] last = {};
        private int used;
        private long length;

        @Override
        public void write(int octet) {
            write(new byte[] {(byte) octet}, 0, 1);
        }

        @Override
        public void write(byte[] octets, int offset, int count) {
            int from = offset;
            int left = count;
            while (left > 0) {
                if (used == last.length) {
                    next();
                }
                int some = Math.min(left, last.length - used);
                System.arraycopy(octets, from, last, used, some);
                used += some;
                from += some;
                left -= some;
            }
            length += count;
        }

        private void next() {
            if (used > 0) {
                full.add(last);
            }
            last = new byte[Math.clamp(length, SMALLEST, LARGEST)];
            used = 0;
        }

        /** The parts that were written since the last call. */
        List<byte[]> take() {
            List<byte[]> taken = full;
            if (used > 0) {
                taken.add(Arrays.copyOf(last, used));
            }
            full = new ArrayList<>();
            last = new byte[0];
            used = 0;
            length = 0;
            return taken;
        }
    }
}
