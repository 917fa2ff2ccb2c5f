package io.sluice.cli.config;

import io.sluice.source.kubernetes.KubernetesOptions;
import io.sluice.source.kubernetes.KubernetesOptions.EndpointsFrom;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Flags of Services that come from a cluster. */
public final class KubernetesFlags {

    @Spec(Spec.Target.MIXEE)
    private CommandSpec spec;

    @Option(names = "--kubeconfig", paramLabel = "FILE", defaultValue = "",
            description = "Which API server to read Services from, and as whom. Default: the files in the variable "
                    + "KUBECONFIG, else ~/.kube/config, else the pod's service account")
    private String kubeconfig;

    @Option(names = "--context", paramLabel = "NAME", defaultValue = "",
            description = "The context of the kubeconfig to use. Default: its current-context")
    private String context;

    @Option(names = {"--server", "--master", "--kube-api-server"}, paramLabel = "URL", defaultValue = "",
            converter = ApiServer.class,
            description = "The API server, instead of the one in the kubeconfig or of the pod: a real address of it, not "
                    + "one of the Service kubernetes")
    private String server;

    @Option(names = "--endpoints-source", paramLabel = "KIND", defaultValue = "auto",
            converter = EnumConverter.OfEndpointsFrom.class, completionCandidates = EnumConverter.OfEndpointsFrom.class,
            description = "The objects that endpoints come from: ${COMPLETION-CANDIDATES}; auto is endpointslices where the "
                    + "API server has them. Default: ${DEFAULT-VALUE}")
    private EndpointsFrom endpointsSource;

    @Option(names = "--watch-idle-timeout", paramLabel = "DURATION", defaultValue = "3m",
            converter = GoDuration.Positive.class,
            description = "When a watch of the API server has brought nothing for this long, not even one of the "
                    + "bookmarks that come each minute, everything is listed again. Default: ${DEFAULT-VALUE}")
    private Duration watchIdleTimeout;

    @Option(names = "--state-file", paramLabel = "FILE", defaultValue = "",
            description = "Keep the last good state in this file, and serve it after a restart until the API server "
                    + "answers. Default: none is kept")
    private String stateFile;

    @Option(names = "--allow-loopback-endpoints", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "Accept endpoints at loopback addresses from the API server. Only for experiments: with it, a user "
                    + "who may write EndpointSlices can reach everything that listens on this node's loopback. "
                    + "Default: ${DEFAULT-VALUE}")
    private boolean allowLoopbackEndpoints;

    /** Refuses the placeholder of {@code config/deploy/base/sluice.yaml}, which has to be replaced. */
    static final class ApiServer implements ITypeConverter<String> {

        private static final String PLACEHOLDER = "//API-SERVER";

        @Override
        public String convert(String value) {
            if (value.contains(PLACEHOLDER)) {
                throw new TypeConversionException("'" + value
                        + "' is a placeholder: put an address of the API server there"
                        + " that this node reaches without the Service kubernetes, such as https://192.0.2.10:6443");
            }
            return value;
        }
    }

    /** How the API server is reached; {@code headless} if DNS needs the names of headless Services. */
    public KubernetesOptions options(String nodeName, boolean headless, Map<String, String> environment) {
        return KubernetesOptions.builder(nodeName).kubeconfig(text(kubeconfig).map(Path::of)).context(text(context))
                .server(text(server)).endpointsFrom(endpointsSource).watchIdleTimeout(watchIdleTimeout)
                .stateFile(text(stateFile).map(Path::of)).loopbackEndpoints(allowLoopbackEndpoints).headless(headless)
                .environment(environment).build();
    }

    /** Services come from manifests: a kubeconfig beside them on the command line is a mistake. */
    public void refuseBesideManifests() {
        if (spec.commandLine().getParseResult().hasMatchedOption("--kubeconfig")) {
            throw new ParameterException(spec.commandLine(),
                    "-f and --kubeconfig exclude each other: Services come from manifests or from a cluster");
        }
    }

    private static Optional<String> text(String value) {
        return value.isBlank() ? Optional.empty() : Optional.of(value.strip());
    }
}
