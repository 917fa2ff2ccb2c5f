package io.sluice.service;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Why a Service port has no endpoint that may take a connection: the answer to "why is my Service empty?". */
public sealed interface EmptyReason {

    /** One line for a person, without the Service's name. */
    String describe();

    /** A stable word for programs, for example {@code SelectorMatchesNoPod}. */
    default String code() {
        return getClass().getSimpleName();
    }

    /**
     * The selector matches no Pod of the namespace.
     *
     * @param podsInNamespace how many Pods the namespace has
     * @param nearestPod      the Pod whose labels come nearest, null if the namespace has none
     * @param nearestLabels   that Pod's values of the selector's keys; keys it lacks are absent
     * @param otherNamespace  a namespace in which the selector would match, null if there is none
     */
    record SelectorMatchesNoPod(Map<String, String> selector, int podsInNamespace, @Nullable String nearestPod,
            Map<String, String> nearestLabels, @Nullable String otherNamespace) implements EmptyReason {
        @Override
        public String describe() {
            StringBuilder text = new StringBuilder("selector ").append(labels(selector)).append(" matches 0 of ")
                    .append(podsInNamespace).append(podsInNamespace == 1 ? " pod" : " pods");
            if (otherNamespace != null) {
                text.append("; it would match in namespace ").append(otherNamespace);
            } else if (nearestPod != null) {
                text.append("; nearest is pod ").append(nearestPod)
                        .append(nearestLabels.isEmpty() ? " without these labels" : " with " + labels(nearestLabels));
            }
            return text.toString();
        }
    }

    /**
     * The selector matches the Pods that a workload would make in a cluster, and nobody says where its processes are.
     *
     * @param workload kind, namespace and name, such as {@code Deployment shop/api}
     * @param name     {@code namespace/name} of the workload
     * @param replicas how many Pods it would make
     */
    record WorkloadWithoutAddress(String workload, String name, int replicas) implements EmptyReason {
        @Override
        public String describe() {
            return replicas == 0
                    ? workload + " makes no Pods: its replicas are 0"
                    : workload + " would make " + pods(replicas) + ": say where with --endpoint " + name
                            + "=HOST:PORT";
        }
    }

    /**
     * The selector matches the Pods that a workload would make in a cluster, and no program of this machine is found to be its
     * process.
     *
     * @param workload kind, namespace and name, such as {@code Deployment shop/api}
     * @param why      what was looked for and what can be done, such as {@code no program listens at port 3000: start it}
     */
    record ProgramNotFound(String workload, String why) implements EmptyReason {
        @Override
        public String describe() {
            return workload + ": " + why;
        }
    }

    /**
     * Pods are selected but each is left out, with the reason.
     *
     * @param pods pod name to why it is left out, for example {@code has no IP}
     */
    record PodsLeftOut(Map<String, String> pods) implements EmptyReason {
        @Override
        public String describe() {
            return pods.size() + (pods.size() == 1 ? " pod is" : " pods are") + " selected but left out: "
                    + first(new TreeMap<>(pods).entrySet().stream().map(e -> e.getKey() + " " + e.getValue()).toList());
        }
    }

    /** Endpoints exist, but none is ready (nor serving while terminating). */
    record NoneReady(int endpoints, List<String> names) implements EmptyReason {
        @Override
        public String describe() {
            return endpoints + (endpoints == 1 ? " endpoint, not ready: " : " endpoints, none ready: ") + first(names);
        }
    }

    /** The port's {@code targetPort} names a container port that no selected Pod has. */
    record TargetPortNotFound(String targetPort, Protocol protocol, List<String> pods) implements EmptyReason {
        @Override
        public String describe() {
            return "targetPort " + targetPort + "/" + protocol + " is not a container port of " + first(pods);
        }
    }

    /** No selector, and neither Endpoints nor EndpointSlices are written for the Service. */
    record NothingWritten() implements EmptyReason {
        @Override
        public String describe() {
            return "no selector, and no Endpoints or EndpointSlice is written for it";
        }
    }

    /**
     * The cluster's API server has no endpoint for the Service, ready or not.
     *
     * @param selector the Service's selector; empty if its endpoints are written by hand
     */
    record NoneInCluster(Map<String, String> selector) implements EmptyReason {
        @Override
        public String describe() {
            return selector.isEmpty()
                    ? "no selector, and no EndpointSlice of the cluster has an address for it"
                    : "the cluster has no endpoint for selector " + labels(selector)
                            + ": it matches no Pod that has an address";
        }
    }

    /**
     * Endpoints or EndpointSlices exist for the Service, but not for this port.
     *
     * @param written the port names that they do have
     */
    record PortNotWritten(String port, List<String> written) implements EmptyReason {
        @Override
        public String describe() {
            return "its endpoints have no port named '" + port + "'"
                    + (written.isEmpty() ? "" : ", only " + first(written.stream().map(w -> "'" + w + "'").toList()));
        }
    }

    /** No selector, and the Endpoints or EndpointSlices of the Service's name are in another namespace. */
    record WrittenElsewhere(String namespace) implements EmptyReason {
        @Override
        public String describe() {
            return "no selector, and its endpoints are written in namespace " + namespace + " instead of its own";
        }
    }

    /** Endpoints or EndpointSlices exist for the Service, but hold no address. */
    record NoAddressWritten() implements EmptyReason {
        @Override
        public String describe() {
            return "its Endpoints and EndpointSlices hold no address";
        }
    }

    /**
     * Endpoints exist, but none has an address of the family of the Service's cluster address.
     *
     * @param wanted the family of the cluster address
     */
    record OtherFamilyOnly(int endpoints, IpFamily wanted) implements EmptyReason {
        @Override
        public String describe() {
            return endpoints + (endpoints == 1 ? " endpoint" : " endpoints") + ", but none with an " + wanted.apiName()
                    + " address as the Service has";
        }
    }

    /** Its endpoints are addresses of Services that lead back to the port itself. */
    record LeadsBack(List<String> endpoints) implements EmptyReason {
        @Override
        public String describe() {
            return "every endpoint leads back to the Service itself: " + first(endpoints);
        }
    }

    /** Endpoints are ready, but a traffic policy of {@code Local} leaves none on this node. */
    record NoneOnThisNode(String node) implements EmptyReason {
        @Override
        public String describe() {
            return "traffic policy Local, and no ready endpoint is on node " + node;
        }
    }

    /**
     * Operators have drained every endpoint that would take connections.
     *
     * @param endpoints how many
     */
    record Drained(int endpoints) implements EmptyReason {
        @Override
        public String describe() {
            return (endpoints == 1 ? "its endpoint is" : "its " + endpoints + " endpoints are")
                    + " drained by hand; 'sluice undrain' takes it back";
        }
    }

    /** {@code 1 Pod}, {@code 3 Pods}. */
    static String pods(int count) {
        return count + (count == 1 ? " Pod" : " Pods");
    }

    private static String labels(Map<String, String> labels) {
        return String.join(",",
                new TreeMap<>(labels).entrySet().stream().map(e -> e.getKey() + "=" + e.getValue()).toList());
    }

    private static String first(List<String> names) {
        return names.size() <= 3
                ? String.join(", ", names)
                : String.join(", ", names.subList(0, 3)) + " and " + (names.size() - 3) + " more";
    }
}
