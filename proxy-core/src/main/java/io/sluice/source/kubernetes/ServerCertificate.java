package io.sluice.source.kubernetes;

import java.net.InetAddress;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * Accepts a server whose certificate is signed by the configured authorities and names the configured server. At the
 * configured host Java's own check decides. At any other address a certificate for that address proves nothing: an attacker
 * who makes us connect there may have one, as each kubelet has for its node; so the certificate has to name the
 * configured server there as well (RFC 6125, without the common name, as Go's TLS has it). Thread-safe.
 */
final class ServerCertificate extends X509ExtendedTrustManager {

    private static final int DNS_NAME = 2;
    private static final int IP_ADDRESS = 7;

    private final X509ExtendedTrustManager authorities;
    private final String host;
    private final String name;

    /**
     * Checks nothing yet.
     *
     * @param host of the configured URL
     * @param name the host name or address that certificates at other addresses must have
     */
    ServerCertificate(X509ExtendedTrustManager authorities, String host, String name) {
        this.authorities = authorities;
        this.host = host;
        this.name = name;
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        if (host.equals(engine.getPeerHost())) {
            authorities.checkServerTrusted(chain, authType, engine);
        } else {
            checkServerTrusted(chain, authType);
        }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        checkServerTrusted(chain, authType);
    }

    /** Checks a server at any address. */
    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        authorities.checkServerTrusted(chain, authType);
        Collection<List<?>> names = chain[0].getSubjectAlternativeNames();
        if (names == null || names.stream().noneMatch(this::isOurs)) {
            throw new CertificateException("the certificate has no subject alternative name " + name
                    + ", as the configured server's has");
        }
    }

    private boolean isOurs(List<?> alternativeName) {
        Optional<InetAddress> address = ApiServerLocator.address(name);
        String written = String.valueOf(alternativeName.get(1));
        return address.isPresent()
                ? alternativeName.get(0).equals(IP_ADDRESS)
                        && ApiServerLocator.address(written).equals(address)
                : alternativeName.get(0).equals(DNS_NAME) && covers(written, name);
    }

    /** Whether {@code pattern} equals {@code name}, or has an asterisk in place of its first label. */
    static boolean covers(String pattern, String name) {
        String wanted = withoutDot(name);
        String written = withoutDot(pattern);
        int dot = wanted.indexOf('.');
        return wanted.equals(written) || written.startsWith("*.") && dot > 0
                && wanted.substring(dot).equals(written.substring(1));
    }

    private static String withoutDot(String name) {
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, SSLEngine engine)
            throws CertificateException {
        authorities.checkClientTrusted(chain, authType, engine);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType, Socket socket)
            throws CertificateException {
        authorities.checkClientTrusted(chain, authType, socket);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authType) throws CertificateException {
        authorities.checkClientTrusted(chain, authType);
    }

    @Override
    public X509Certificate[] getAcceptedIssuers() {
        return authorities.getAcceptedIssuers();
    }
}
