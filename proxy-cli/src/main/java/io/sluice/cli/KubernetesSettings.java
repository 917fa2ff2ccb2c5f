package io.sluice.cli;

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

/** Settings that say how Services are read from a cluster. */
final class KubernetesSettings {

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
            converter = Word.OfEndpointsFrom.class, completionCandidates = Word.OfEndpointsFrom.class,
            description = "Which objects tell the endpoints: ${COMPLETION-CANDIDATES}; auto is endpointslices where the "
                    + "API server has them. Default: ${DEFAULT-VALUE}")
    private EndpointsFrom endpointsSource;

    @Option(names = "--watch-idle-timeout", paramLabel = "DURATION", defaultValue = "3m",
            converter = Numbers.PositiveDuration.class,
            description = "When a watch of the API server has brought nothing for this long, not even one of the "
                    + "bookmarks that come each minute, everything is listed again. Default: ${DEFAULT-VALUE}")
    private Duration watchIdleTimeout;

    @Option(names = "--state-file", paramLabel = "FILE", defaultValue = "",
            description = "Keep the last good state in this file, and serve it after a restart until the API server "
                    + "answers. Default: none is kept")
    private String stateFile;

    @Option(names = "--allow-loopback-endpoints", paramLabel = "true|false", arity = "0..1", fallbackValue = "true",
            hideParamSyntax = true, defaultValue = "false",
            description = "Take endpoints at loopback addresses from the API server, too. Only for trying it out: whoever "
                    + "may write EndpointSlices then reaches what listens at this node's loopback. "
                    + "Default: ${DEFAULT-VALUE}")
    private boolean allowLoopbackEndpoints;

    /** Not what {@code config/deploy/base/sluice.yaml} has there until somebody says where the API server is. */
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

    /** How the API server is reached; {@code headless} if somebody asks for the names of headless Services. */
    KubernetesOptions options(String nodeName, boolean headless, Map<String, String> environment) {
        return new KubernetesOptions(text(kubeconfig).map(Path::of), text(context), text(server), nodeName,
                endpointsSource,
                watchIdleTimeout, text(stateFile).map(Path::of), allowLoopbackEndpoints, headless, environment);
    }

    /** Services come from manifests: a kubeconfig beside them on the command line is a mistake. */
    void refuseBesideManifests() {
        if (spec.commandLine().getParseResult().hasMatchedOption("--kubeconfig")) {
            throw new ParameterException(spec.commandLine(),
                    "-f and --kubeconfig exclude each other: Services come from manifests or from a cluster");
        }
    }

    private static Optional<String> text(String value) {
        return value.isBlank() ? Optional.empty() : Optional.of(value.strip());
    }
}
