package io.sluice.source.kubernetes;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.Key;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;

/**
 * A certificate and its key in PEM, in each form that Go's {@code tls.X509KeyPair} takes: the certificate with others after
 * it, and the first block of the key that is one: PKCS#8, PKCS#1 (RSA) or SEC 1 (EC), whatever stands before it, such as
 * {@code EC PARAMETERS}. The Kubernetes client's own code knows RSA and one form of EC.
 */
record ClientCertificate(String certificate, String key) {

    private static final Pattern BLOCK =
            Pattern.compile("-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \\1-----", Pattern.DOTALL);
    private static final List<String> ALGORITHMS = List.of("RSA", "EC", "Ed25519", "Ed448", "RSASSA-PSS");
    private static final byte[] VERSION_0 = {2, 1, 0};
    /** SEQUENCE of rsaEncryption (1.2.840.113549.1.1.1) and NULL. */
    private static final byte[] RSA = {0x30, 13, 6, 9, 0x2a, (byte) 0x86, 0x48, (byte) 0x86, (byte) 0xf7, 13, 1, 1, 1,
            5, 0};
    /** id-ecPublicKey (1.2.840.10045.2.1). */
    private static final byte[] EC = {6, 7, 0x2a, (byte) 0x86, 0x48, (byte) 0xce, 0x3d, 2, 1};
    private static final int SEQUENCE = 0x30;
    private static final int OCTET_STRING = 4;
    private static final int PARAMETERS = 0xa0;

    /**
     * For TLS.
     *
     * @throws CertificateException if it cannot be used; the message says which part of it and shows nothing of it
     */
    KeyManager[] keyManagers() throws CertificateException {
        X509Certificate[] chain = CertificateFactory.getInstance("X509")
                .generateCertificates(
                        new ByteArrayInputStream(onlyCertificates().getBytes(StandardCharsets.ISO_8859_1)))
                .stream().map(X509Certificate.class::cast).toArray(X509Certificate[]::new);
        if (chain.length == 0) {
            throw new CertificateException("the client certificate has no block BEGIN CERTIFICATE");
        }
        PrivateKey read = privateKey();
        if (!belongTogether(chain[0], read)) {
            throw new CertificateException("the client key is not that of the client certificate");
        }
        try {
            char[] nothing = {};
            KeyStore store = KeyStore.getInstance("PKCS12");
            store.load(null, nothing);
            store.setKeyEntry("client", (Key) read, nothing, (Certificate[]) chain);
            KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
            factory.init(store, nothing);
            return factory.getKeyManagers();
        } catch (GeneralSecurityException | IOException e) {
            throw new CertificateException("the client certificate cannot be used: " + ApiClient.reason(e));
        }
    }

    private String onlyCertificates() {
        StringBuilder blocks = new StringBuilder();
        for (Matcher block = BLOCK.matcher(certificate); block.find();) {
            if (block.group(1).equals("CERTIFICATE")) {
                blocks.append(block.group()).append('\n');
            }
        }
        return blocks.toString();
    }

    PrivateKey privateKey() throws CertificateException {
        Optional<byte[]> curve = Optional.empty();
        for (Matcher block = BLOCK.matcher(key); block.find();) {
            String name = block.group(1);
            boolean isKey = name.equals("PRIVATE KEY") || name.endsWith(" PRIVATE KEY");
            if (!isKey && !name.equals("EC PARAMETERS")) {
                continue;
            }
            if (name.startsWith("ENCRYPTED") || block.group(2).contains("ENCRYPTED")) {
                throw new CertificateException(
                        "the client key is encrypted: decrypt it with 'openssl pkey -in KEY -out PLAIN'");
            }
            byte[] der = decoded(block.group(2));
            switch (name) {
                case "EC PARAMETERS" -> curve = Optional.of(der);
                case "RSA PRIVATE KEY" -> {
                    return generated(sequence(VERSION_0, RSA, tagged(OCTET_STRING, der)));
                }
                case "EC PRIVATE KEY" -> {
                    Optional<byte[]> own = ofSec1(der);
                    byte[] parameters = (own.isPresent() ? own : curve)
                            .orElseThrow(() -> new CertificateException("the client key names no curve"));
                    return generated(sequence(VERSION_0, sequence(EC, parameters), tagged(OCTET_STRING, der)));
                }
                default -> {
                    return generated(der);
                }
            }
        }
        throw new CertificateException("the client key has no block BEGIN PRIVATE KEY");
    }

    private static byte[] decoded(String lines) throws CertificateException {
        try {
            return Base64.getDecoder().decode(lines.replaceAll("\\s", ""));
        } catch (IllegalArgumentException e) {
            throw new CertificateException("the client key is not base64 between its BEGIN and END");
        }
    }

    private static PrivateKey generated(byte[] pkcs8) throws CertificateException {
        for (String algorithm : ALGORITHMS) {
            Optional<PrivateKey> key = generated(algorithm, pkcs8);
            if (key.isPresent()) {
                return key.get();
            }
        }
        throw new CertificateException("the client key is broken, or of a kind that is none of "
                + String.join(", ", ALGORITHMS));
    }

    private static Optional<PrivateKey> generated(String algorithm, byte[] pkcs8) {
        try {
            return Optional.of(KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8)));
        } catch (GeneralSecurityException e) {
            return Optional.empty();
        }
    }

    private static boolean belongTogether(X509Certificate certificate, PrivateKey key) throws CertificateException {
        String algorithm = switch (key.getAlgorithm()) {
            case "RSA" -> "SHA256withRSA";
            case "EC" -> "SHA256withECDSA";
            case "RSASSA-PSS" -> "";
            default -> key.getAlgorithm();
        };
        if (algorithm.isEmpty()) {
            return true;
        }
        try {
            byte[] anything = {1, 2, 3};
            Signature signature = Signature.getInstance(algorithm);
            signature.initSign(key);
            signature.update(anything);
            byte[] signed = signature.sign();
            signature.initVerify(certificate.getPublicKey());
            signature.update(anything);
            return signature.verify(signed);
        } catch (GeneralSecurityException e) {
            return false;
        }
    }

    /** The parameters within an ECPrivateKey (RFC 5915): version, octets, [0] parameters, [1] public key. */
    private static Optional<byte[]> ofSec1(byte[] der) throws CertificateException {
        ByteBuffer whole = ByteBuffer.wrap(der);
        if (tag(whole) != SEQUENCE) {
            throw new CertificateException("the client key is broken");
        }
        ByteBuffer members = content(whole);
        while (members.hasRemaining()) {
            int tag = tag(members);
            ByteBuffer content = content(members);
            if (tag == PARAMETERS) {
                byte[] parameters = new byte[content.remaining()];
                content.get(parameters);
                return Optional.of(parameters);
            }
        }
        return Optional.empty();
    }

    private static int tag(ByteBuffer der) {
        return der.hasRemaining() ? der.get() & 0xff : -1;
    }

    private static ByteBuffer content(ByteBuffer der) throws CertificateException {
        int length = tag(der);
        if (length >= 0x80) {
            int octets = length & 0x7f;
            length = octets > 3 ? -1 : 0;
            for (int i = 0; i < octets && length >= 0; i++) {
                length = length << 8 | tag(der);
            }
        }
        if (length < 0 || length > der.remaining()) {
            throw new CertificateException("the client key is broken");
        }
        ByteBuffer content = der.slice(der.position(), length);
        der.position(der.position() + length);
        return content;
    }

    private static byte[] sequence(byte[]... members) {
        int length = Arrays.stream(members).mapToInt(member -> member.length).sum();
        ByteBuffer all = ByteBuffer.allocate(length);
        for (byte[] member : members) {
            all.put(member);
        }
        return tagged(SEQUENCE, all.array());
    }

    private static byte[] tagged(int tag, byte[] content) {
        ByteBuffer all = ByteBuffer.allocate(content.length + 4);
        all.put((byte) tag);
        if (content.length >= 256) {
            all.put((byte) 0x82).put((byte) (content.length >> 8));
        } else if (content.length >= 0x80) {
            all.put((byte) 0x81);
        }
        all.put((byte) content.length).put(content);
        return Arrays.copyOf(all.array(), all.position());
    }

    /** Shows nothing of the key. */
    @Override
    public String toString() {
        return "ClientCertificate";
    }
}
