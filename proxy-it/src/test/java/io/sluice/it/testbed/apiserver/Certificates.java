package io.sluice.it.testbed.apiserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** Certificates that are signed by themselves, each for one name, and the file with all of them as authorities. */
public final class Certificates {

    private static final String PASSWORD = "changeit";

    private final Path directory;
    private int made;

    public Certificates(Path directory) {
        this.directory = directory;
    }

    /** The PEM file that trusts all that were made so far. */
    public Path authorities() {
        return directory.resolve("ca.crt");
    }

    /** For a server with a certificate for {@code name}, for example {@code ip:127.0.0.1}. */
    public SSLContext server(String name) throws IOException, InterruptedException, GeneralSecurityException {
        Path file = directory.resolve("store-" + ++made);
        keytool(file, "-genkeypair", "-keyalg", "EC", "-dname", "CN=api-" + made, "-ext", "san=" + name);
        Path certificate = directory.resolve("certificate");
        keytool(file, "-exportcert", "-rfc", "-file", certificate.toString());
        Files.writeString(authorities(), Files.readString(certificate), StandardOpenOption.CREATE,
                StandardOpenOption.APPEND);
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (InputStream in = Files.newInputStream(file)) {
            store.load(in, PASSWORD.toCharArray());
        }
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(store, PASSWORD.toCharArray());
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(keys.getKeyManagers(), null, null);
        return tls;
    }

    private static void keytool(Path store, String... arguments) throws IOException, InterruptedException {
        List<String> command =
                new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                        "-storepass", PASSWORD, "-alias", "api", "-keystore", store.toString()));
        command.addAll(Arrays.asList(arguments));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
    }
}
