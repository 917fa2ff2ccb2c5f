package io.sluice.proxy;

import io.sluice.service.EndpointAddress;
import io.sluice.service.HealthCheck;
import io.sluice.service.ProxyProtocol;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What a probe sends once it is connected, and what it makes of the answer. Immutable and pure. */
final class ProbeQuestion {

    /** How many bytes of an answer are read at the most. */
    static final int MOST_BYTES = 4_096;

    /** {@code HTTP/1.1 200}: the version and the code of a status line (RFC 9112, section 4). */
    private static final int STATUS_LENGTH = 12;
    private static final byte[] HTTP_1 = "HTTP/1.".getBytes(StandardCharsets.US_ASCII);

    private final byte[] bytes;
    private final boolean awaitsAnswer;
    private final Duration timeout;

    private ProbeQuestion(byte[] bytes, boolean awaitsAnswer, Duration timeout) {
        this.bytes = bytes;
        this.awaitsAnswer = awaitsAnswer;
        this.timeout = timeout;
    }

    /** Whether it takes a connection, which is closed at once. */
    static ProbeQuestion connect(ProxyProtocol proxyProtocol, Duration timeout) {
        return new ProbeQuestion(ProxyProtocolHeader.ofNobody(proxyProtocol), false, timeout);
    }

    /** What a health check asks. */
    static ProbeQuestion of(HealthCheck check, EndpointAddress endpoint, ProxyProtocol proxyProtocol) {
        if (check.path() == null) {
            return connect(proxyProtocol, check.timeout());
        }
        byte[] header = ProxyProtocolHeader.ofNobody(proxyProtocol);
        byte[] request = ("GET " + check.path() + " HTTP/1.1\r\nHost: " + endpoint
                + "\r\nUser-Agent: sluice-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n")
                .getBytes(StandardCharsets.US_ASCII);
        byte[] bytes = new byte[header.length + request.length];
        System.arraycopy(header, 0, bytes, 0, header.length);
        System.arraycopy(request, 0, bytes, header.length, request.length);
        return new ProbeQuestion(bytes, true, check.timeout());
    }

    /** What is sent; the send queue of a new socket has room for it. */
    byte[] bytes() {
        return bytes;
    }

    /** Whether an answer is waited for. */
    boolean awaitsAnswer() {
        return awaitsAnswer;
    }

    /** From the attempt to connect to the result. */
    Duration timeout() {
        return timeout;
    }

    /** There was no result in time. */
    ProbeAnswer tooLate(boolean connected) {
        return new ProbeAnswer(ProbeResult.SILENT, (connected ? "it took the connection, and did not answer in "
                : "it did not take the connection in ") + timeout.toMillis() + " ms");
    }

    /**
     * What the answer says so far.
     *
     * @param length how many bytes of it are in {@code received}
     * @param ended  whether no more will come
     * @return null if more is needed
     */
    @Nullable
    ProbeAnswer answer(byte[] received, int length, boolean ended) {
        for (int i = 0; i < Math.min(length, HTTP_1.length); i++) {
            if (received[i] != HTTP_1[i]) {
                return new ProbeAnswer(ProbeResult.SILENT, "it did not answer with HTTP/1");
            }
        }
        if (length < STATUS_LENGTH) {
            return ended
                    ? new ProbeAnswer(ProbeResult.SILENT, "it closed the connection without an answer")
                    : null;
        }
        String code = new String(received, STATUS_LENGTH - 3, 3, StandardCharsets.US_ASCII);
        if (received[STATUS_LENGTH - 4] != ' ' || !code.matches("[1-9][0-9]{2}")) {
            return new ProbeAnswer(ProbeResult.SILENT, "it did not answer with HTTP/1");
        }
        // As kubelet and HAProxy's httpchk have it.
        boolean good = code.charAt(0) == '2' || code.charAt(0) == '3';
        return new ProbeAnswer(good ? ProbeResult.ANSWERED : ProbeResult.SILENT, "it answered " + code);
    }
}
