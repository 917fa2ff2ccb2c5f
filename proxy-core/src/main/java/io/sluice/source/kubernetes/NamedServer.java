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
import javax.net.ssl.KeyManager;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/**
 * HTTP to one server, which may have several addresses and another name than its URL, the kubeconfig's
 * {@code tls-server-name}. Each connection sends that name (SNI), and the server's certificate must have it; at the address of
 * the URL itself the certificate may have that address instead.
 *
 * <p>Redirections are not followed: the Kubernetes client would follow them to any host, with the credentials.
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
        TrustManager[] trusted = SSLUtils.trustManagers(config);
        if (!config.isTrustCerts() && trusted.length == 1
                && trusted[0] instanceof X509ExtendedTrustManager ofAuthorities) {
            trusted = new TrustManager[] {new ServerCertificate(ofAuthorities, host, name)};
        }
        builder.sslContext(credentials.certificate().isPresent()
                ? credentials.certificate().get().keyManagers()
                : new KeyManager[0], trusted);
        builder.addOrReplaceInterceptor("impersonation", credentials.impersonation());
        return builder.build();
    }

    /** The JDK's client uses such a name where the URL has an address; where the URL has a name, it is the same one. */
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
