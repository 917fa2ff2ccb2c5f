package io.sluice.source.manifest;

import io.sluice.service.ServiceName;
import io.sluice.source.manifest.PodReader.Given;
import io.sluice.source.manifest.WorkloadManifest.Mistake;
import java.util.List;
import java.util.Map;

/**
 * Reads what makes Pods. As most manifests are not written for a proxy, a mistake in one is kept with it: it matters only if
 * somebody says where the processes are.
 */
final class WorkloadReader {

    /** The most replicas that a message counts. */
    private static final int MAX_REPLICAS = 1_000_000;

    private static final Map<String, String> VERSIONS = Map.of("Deployment", "apps/v1", "StatefulSet", "apps/v1",
            "DaemonSet", "apps/v1", "ReplicaSet", "apps/v1", "Job", "batch/v1", "ReplicationController", "v1");

    private final PodReader pods;

    WorkloadReader(PodReader pods) {
        this.pods = pods;
    }

    /** Whether objects of this kind and API version are read. */
    static boolean reads(String kind, String version) {
        return version.equals(VERSIONS.get(kind));
    }

    /** The kinds, for messages. */
    static String kinds() {
        return "Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, ReplicationController or Pod";
    }

    /**
     * Whether another object of a cluster has made it, as a Deployment makes ReplicaSets: that one counts.
     *
     * @throws InvalidFieldException if its metadata cannot be read
     */
    static boolean isOwned(Field document) throws InvalidFieldException {
        for (Field owner : document.get("metadata").get("ownerReferences").elements()) {
            if (owner.get("controller").bool(false)) {
                return true;
            }
        }
        return false;
    }

    WorkloadManifest read(Field document, String kind, ServiceName name) throws InvalidFieldException {
        String location = DocumentReader.place(document);
        String subject = kind + " " + name;
        PodManifest nothing = PodManifest.builder(name, location).build();
        boolean located = false;
        try {
            Given own = pods.given(document.get("metadata").get("annotations"), subject);
            located = !own.addresses().isEmpty();
            Field spec = document.get("spec");
            Field template = spec.get("template");
            if (!template.present()) {
                throw template.invalid("is missing: it makes no Pods; if this is a patch, read what"
                        + " 'kubectl kustomize DIR' prints instead");
            }
            Given given = pods.given(template.get("metadata").get("annotations"), subject);
            located |= !given.addresses().isEmpty();
            PodManifest.Builder pod =
                    pods.described(name, document, template.get("metadata"), template.get("spec"), subject)
                            .hasStatus(false).ready((given.notReady() == null ? own : given).ready());
            boolean stable = kind.equals("StatefulSet");
            String governing = stable ? spec.get("serviceName").text() : null;
            if (governing != null) {
                pod.subdomain(governing);
            }
            Field count = spec.get(kind.equals("Job") ? "parallelism" : "replicas");
            return new WorkloadManifest(kind, name, location,
                    kind.equals("DaemonSet") ? 1 : count.integer(0, MAX_REPLICAS, 1),
                    stable ? spec.get("ordinals").get("start").integer(0, MAX_REPLICAS, 0) : -1, pod.build(),
                    given.addresses().isEmpty() ? own.addresses() : given.addresses(),
                    given.process() == null ? own.process() : given.process(), null);
        } catch (InvalidFieldException e) {
            return new WorkloadManifest(kind, name, location, 0, -1, nothing, List.of(), null, new Mistake(e.location(),
                    e.path(), String.valueOf(e.getMessage()), located || e.path().contains("sluice.io/")));
        }
    }
}
