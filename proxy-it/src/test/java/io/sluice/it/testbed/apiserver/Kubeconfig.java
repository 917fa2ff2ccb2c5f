package io.sluice.it.testbed.apiserver;

/** Text of kubeconfig files. */
public final class Kubeconfig {

    private Kubeconfig() {}

    /** For {@code server}, with the YAML of a {@code user}. */
    public static String of(String server, String user) {
        return of(server, user, "");
    }

    /** The same, with further fields of the cluster that follow its URL: {@code , certificate-authority: ca.pem}. */
    public static String of(String server, String user, String trust) {
        return """
                apiVersion: v1
                kind: Config
                current-context: test
                contexts: [{name: test, context: {cluster: here, user: me}}]
                clusters: [{name: here, cluster: {server: "%s"%s}}]
                users: [{name: me, user: %s}]
                """.formatted(server, trust, user);
    }
}
