package io.sluice.metrics;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Octets of Prometheus's text format, gathered until they are handed on. Not thread-safe. */
final class TextBuffer {

    /** From here on {@link Double#toString(double)} writes an exponent. */
    private static final long FIRST_WITH_EXPONENT = 10_000_000;

    private byte[] octets = new byte[4096];
    private int length;

    int length() {
        return length;
    }

    /** Hands on everything. */
    void writeTo(OutputStream out) throws IOException {
        out.write(octets, 0, length);
        length = 0;
    }

    void literal(byte[] text) {
        reserve(text.length);
        System.arraycopy(text, 0, octets, length, text.length);
        length += text.length;
    }

    void literal(String text) {
        literal(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Puts {@code text} before what was written from {@code at} on. */
    void insert(int at, String text) {
        byte[] before = text.getBytes(StandardCharsets.UTF_8);
        reserve(before.length);
        System.arraycopy(octets, at, octets, at + before.length, length - at);
        System.arraycopy(before, 0, octets, at, before.length);
        length += before.length;
    }

    /** The value of a label. */
    void labelValue(String text) {
        int count = text.length();
        reserve(count);
        int at = length;
        for (int i = 0; i < count; i++) {
            char c = text.charAt(i);
            if (c >= 0x80 || c == '\\' || c == '"' || c == '\n') {
                literal(text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n"));
                return;
            }
            octets[at++] = (byte) c;
        }
        length = at;
    }

    /** A whole number as the text format writes values: {@code 3.0}. */
    void value(long number) {
        if (number < 0 || number >= FIRST_WITH_EXPONENT) {
            value((double) number);
            return;
        }
        count(number);
        octet('.');
        octet('0');
    }

    void value(double number) {
        literal(Double.toString(number));
    }

    /** A whole number as the text format writes the counts of histograms: {@code 3}. */
    void count(long number) {
        if (number < 0) {
            literal(Long.toString(number));
            return;
        }
        int digits = 1;
        for (long rest = number / 10; rest > 0; rest /= 10) {
            digits++;
        }
        reserve(digits);
        length += digits;
        long rest = number;
        for (int at = length - 1; at >= length - digits; at--) {
            octets[at] = (byte) ('0' + rest % 10);
            rest /= 10;
        }
    }

    void endLine() {
        octet('\n');
    }

    private void octet(char c) {
        reserve(1);
        octets[length++] = (byte) c;
    }

    private void reserve(int more) {
        if (octets.length - length < more) {
            octets = Arrays.copyOf(octets, Math.max(2 * octets.length, length + more));
        }
    }
}
