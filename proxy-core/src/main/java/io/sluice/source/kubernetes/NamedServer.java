package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.http.HttpClient;
import io.fabric8.kubernetes.client.internal.SSLUtils;
import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient.Redirect;
import java.security.GeneralSecurityException;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * HTTP to one server, which may be asked at several addresses and be known by another name than its URL has, the
 * kubeconfig's {@code tls-server-name}. At each address it is asked for by its name (SNI), and its certificate has to have
 * that name; at the address of the URL itself the certificate may have that address instead.
 *
 * <p>A redirection is an answer like others and not followed: the Kubernetes client would follow it to any host, with the
 * credentials.
 */
final class NamedServer extends JdkHttpClientFactory {

    private final String name;

    private NamedServer(String name) {
        this.name = name;
    }

    /**
     * Connects to nothing yet.
     *
     * @throws IOException              if a certificate or key cannot be read
     * @throws GeneralSecurityException if a certificate or key cannot be used
     */
    static HttpClient open(Credentials credentials) throws IOException, GeneralSecurityException {
        Config config = credentials.config();
        String host = ApiServerLocator.host(URI.create(credentials.server()));
        String name = credentials.tlsServerName().isEmpty() ? host : credentials.tlsServerName();
        HttpClient.Builder builder =
                new NamedServer(ApiServerLocator.address(name).isPresent() ? "" : name).newBuilder(config);
        TrustManager[] authorities = SSLUtils.trustManagers(config);
        if (!config.isTrustCerts() && authorities.length == 1
                && authorities[0] instanceof X509ExtendedTrustManager ofAuthorities) {
            builder.sslContext(SSLUtils.keyManagers(config),
                    new TrustManager[] {new ServerCertificate(ofAuthorities, host, name)});
        }
        return builder.build();
    }

    /** The JDK's client heeds a name given so where the URL has an address; where that has a name, it is the same one. */
    @Override
    protected void additionalConfig(java.net.http.HttpClient.Builder builder) {
        builder.followRedirects(Redirect.NEVER);
        if (!name.isEmpty()) {
            SSLParameters parameters = new SSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(name)));
            builder.sslParameters(parameters);
        }
    }
}
