package io.sluice.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/**
 * A response that is ready to be sent, to one client or to several that asked for the same. Its body is in small parts; one
 * that is too long is not here, but made by each client's {@link LongBody}. Only the number of its readers changes.
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

    /** In plain text, from which on a body in pieces is not made whole. */
    static final int LONG_BYTES = 64 * 1024;

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
        try {
            return switch (response.body()) {
                case Response.Content content -> whole(response, content, compress);
                case Response.Stream stream -> new Rendered(response, false, List.of(), 0);
                case Response.Pieces pieces -> {
                    Response.Content small = small(pieces);
                    yield small == null
                            ? new Rendered(response, compress, List.of(), LongBody.HELD_BYTES)
                            : whole(response, small, compress);
                }
            };
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Rendered whole(Response response, Response.Content content, boolean compress) throws IOException {
        Body body = new Body(compress);
        try (body) {
            content.writeTo(body);
        }
        long length = body.parts.length;
        List<byte[]> parts = body.parts.take();
        return new Rendered(response, body.compressor != null, parts, length);
    }

    /** The whole body, if it is not too long. */
    private static Response.@Nullable Content small(Response.Pieces pieces) throws IOException {
        ByteArrayOutputStream begin = new ByteArrayOutputStream();
        Response.Maker maker = pieces.begin();
        while (maker.writeSome(begin)) {
            if (begin.size() > LONG_BYTES) {
                return null;
            }
        }
        return begin::writeTo;
    }

    /** The body that each client makes for itself; null if it is {@link #body}. */
    Response.@Nullable Pieces pieces() {
        return response.body() instanceof Response.Pieces pieces && body.isEmpty() ? pieces : null;
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

    /** The length of the body in octets; of one that each client makes for itself, what a client holds meanwhile. */
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
