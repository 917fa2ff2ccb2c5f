package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.client.jdkhttp.JdkHttpClientFactory;
import java.net.http.HttpClient;
import java.util.List;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLParameters;

/**
 * HTTP to a server that is known by another name than its URL has, the kubeconfig's {@code tls-server-name}: it is asked
 * for by that name (SNI), and its certificate has to have it, or the URL's address. The JDK's client heeds a name given
 * so only where the URL has an address; where that has a name, it wins.
 */
final class NamedServer extends JdkHttpClientFactory {

    private final String name;

    /** With the empty name nothing is special. */
    NamedServer(String name) {
        this.name = name;
    }

    @Override
    protected void additionalConfig(HttpClient.Builder builder) {
        if (!name.isEmpty()) {
            SSLParameters parameters = new SSLParameters();
            parameters.setServerNames(List.of(new SNIHostName(name)));
            builder.sslParameters(parameters);
        }
    }
}
