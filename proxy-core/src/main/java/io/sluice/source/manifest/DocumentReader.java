package io.sluice.source.manifest;

import io.sluice.service.ServiceName;
import io.sluice.source.Excerpt;
import io.sluice.source.manifest.Manifest.NamespaceManifest;
import io.sluice.source.manifest.Manifest.NodeManifest;
import io.sluice.source.manifest.ManifestOptions.PodDetail;
import java.net.InetAddress;
import io.sluice.source.manifest.ReadingLimits.Rest;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Turns documents into {@link Manifest} objects, with those checks of the API server that matter here. An object
 * with an error is left out, the others are still read. Not thread-safe.
 */
final class DocumentReader {

    private static final int MAX_LIST_DEPTH = 4;
    /** The most kinds without a meaning here that are counted separately. */
    private static final int MAX_KINDS = 100;
    private static final String OTHER_KINDS = "others";

    private final Problems problems;
    private final Rest rest;
    private final ServiceManifestReader services;
    private final EndpointsReader endpoints;
    private final @Nullable EnvironmentReader environments;
    private final PodReader pods;
    private final List<Manifest> objects = new ArrayList<>();
    private final Map<String, Integer> skippedKinds = new TreeMap<>();
    private final WorkloadReader workloadReader;
    private final List<WorkloadManifest> workloads = new ArrayList<>();
    private final Map<String, WorkloadManifest> byName = new HashMap<>();
    private final Set<String> passedOver = new TreeSet<>();
    private int count;
    private boolean full;

    /** @param detail what is read of Pods, and mistakes in it told */
    DocumentReader(Problems problems, Rest rest, PodDetail detail) {
        this.problems = problems;
        this.rest = rest;
        this.services = new ServiceManifestReader(problems);
        this.endpoints = new EndpointsReader(problems);
        this.environments = detail == PodDetail.PROGRAMS ? new EnvironmentReader(problems) : null;
        this.pods = new PodReader(problems, detail, environments);
        this.workloadReader = new WorkloadReader(pods);
    }

    /** All objects that could be read, in the order of the documents; the caller may change the list. */
    List<Manifest> objects() {
        return objects;
    }

    /** The kinds without a meaning for a proxy, with the number of objects of each. */
    Map<String, Integer> skippedKinds() {
        return skippedKinds;
    }

    /** The workloads, each once, in the order of the documents. */
    List<WorkloadManifest> workloads() {
        return workloads;
    }

    /** The variables of the first container of a Pod or of a workload's Pods; none unless they are read. */
    List<Variable> variables(String subject) {
        return environments == null ? List.of() : environments.variables(subject);
    }

    /** Counts a file of a directory that is no manifest; once. */
    void passOver(Path file) {
        passedOver.add(file.toString());
    }

    /** The files that are no manifests. */
    Set<String> passedOver() {
        return passedOver;
    }

    /** Whether reading has stopped at a limit, which is then among the problems. */
    boolean full() {
        return full;
    }

    /** Stops reading. */
    void stop() {
        full = true;
    }

    /**
     * Whether {@code document} may be meant as an object of Kubernetes: the files of other programs that lie beside manifests
     * have neither a kind nor metadata.
     */
    static boolean isObject(Field document) {
        try {
            return !document.isMapping() && !document.isSequence() || document.isMapping()
                    && (document.get("kind").present() || document.get("metadata").present()
                            || document.get("items").present());
        } catch (InvalidFieldException e) {
            return true; // a key that is there twice
        }
    }

    /** Reads one document, which may be empty or a List. */
    void read(Field document) {
        read(document, "", "", 0);
    }

    /** An element of a ServiceList, as the API itself gives it, has neither kind nor apiVersion of its own. */
    private void read(Field document, String listKind, String listVersion, int depth) {
        String subject = "";
        if (full) {
            return;
        }
        try {
            stopAt(rest.tooManyObjects(++count), document);
            stopAt(rest.over(), document);
            if (depth == 0 && !document.present()) {
                return;
            }
            String kind = document.get("kind").text(listKind);
            String version = document.get("apiVersion").text(listVersion);
            if (kind.isEmpty()) {
                throw document.invalid("is no Kubernetes object: it has no kind");
            }
            if (kind.endsWith("List") && (kind.equals("List") || document.get("items").present())) {
                if (depth == MAX_LIST_DEPTH) {
                    throw document.invalid("Lists are nested more than " + MAX_LIST_DEPTH + " deep");
                }
                String elementKind = kind.substring(0, kind.length() - "List".length());
                for (Field item : document.get("items").elements()) {
                    read(item, elementKind, elementKind.isEmpty() ? "" : version, depth + 1);
                }
                return;
            }
            subject = Excerpt.of(kind);
            if (addWorkload(document, kind, version)) {
                return;
            }
            if (environments != null && EnvironmentReader.reads(kind, version)) {
                stopAt(rest.tooManyValues(document.weight()), document);
                environments.readValues(document, kind, name(document, kind));
            }
            if (!isKnown(document, kind, version)) {
                skip(Excerpt.of(version.contains("/") ? kind + " (" + version + ")" : kind));
                return;
            }
            stopAt(rest.tooManyValues(document.weight()), document);
            ServiceName name = name(document, kind);
            subject = kind + " " + (name.namespace().isEmpty() ? name.name() : name.toString());
            FieldRules.warnUnknown(document.get("metadata"), FieldRules.METADATA_FIELDS, subject, problems);
            objects.add(object(kind, document, name, subject));
        } catch (InvalidFieldException e) {
            String message = String.valueOf(e.getMessage());
            problems.error(e.location(), (subject + " " + e.path()).strip(),
                    message.contains("{{") ? message + "; it " + HelmTemplates.ADVICE : message);
        } catch (UnusableObjectException e) {
            problems.warning(document.location(), subject, String.valueOf(e.getMessage()));
        }
    }

    private void stopAt(String limit, Field document) throws InvalidFieldException {
        if (!limit.isEmpty()) {
            stop();
            throw document.invalid(limit);
        }
    }

    /** Whether {@code document} is a workload that counts here. */
    private boolean addWorkload(Field document, String kind, String version) throws InvalidFieldException {
        if (!WorkloadReader.reads(kind, version)) {
            return false;
        }
        ServiceName name;
        try {
            if (document.get("metadata").get("generateName").present() || WorkloadReader.isOwned(document)) {
                return false;
            }
            name = name(document, kind);
        } catch (InvalidFieldException e) {
            problems.warning(e.location(), kind + " " + e.path(), e.getMessage() + "; it makes no Pods");
            return true;
        }
        WorkloadManifest read = workloadReader.read(document, kind, name);
        stopAt(rest.tooManyValues(read.weight()), document);
        WorkloadManifest first = byName.putIfAbsent(read.subject(), read);
        if (first == null) {
            workloads.add(read);
        } else {
            problems.warning(read.location(), read.subject(), "is a duplicate of the object at " + first.location()
                    + ", which counts; if it is a patch, read what 'kubectl kustomize DIR' prints instead");
        }
        return true;
    }

    private void skip(String kind) {
        String counted = skippedKinds.size() < MAX_KINDS || skippedKinds.containsKey(kind) ? kind : OTHER_KINDS;
        skippedKinds.merge(counted, 1, Integer::sum);
    }

    /** Whether this kind is read: other API groups have Services too. */
    private static boolean isKnown(Field document, String kind, String version) throws InvalidFieldException {
        String group = switch (kind) {
            case "Service", "Endpoints", "Pod", "Node", "Namespace" -> "v1";
            case "EndpointSlice" -> "discovery.k8s.io/v1";
            default -> "";
        };
        if (group.isEmpty()) {
            return false;
        }
        if (version.equals(group)) {
            return true;
        }
        if (!version.contains("/") || version.startsWith("discovery.k8s.io/")) {
            throw document.get("apiVersion").invalid(version.isEmpty()
                    ? "is missing: it is " + group + " for this kind"
                    : "'" + version + "' must be " + group);
        }
        return false;
    }

    private Manifest object(String kind, Field document, ServiceName name, String subject)
            throws InvalidFieldException, UnusableObjectException {
        return switch (kind) {
            case "Service" -> services.read(document, name, subject);
            case "Endpoints" -> endpoints.readEndpoints(document, name, subject);
            case "EndpointSlice" -> endpoints.readSlice(document, name, subject);
            case "Pod" -> pods.read(document, name, subject);
            case "Node" -> new NodeManifest(name, place(document),
                    document.get("metadata").get("labels").get("topology.kubernetes.io/zone").text(),
                    nodeAddresses(document.get("status")));
            default -> new NamespaceManifest(name, place(document));
        };
    }

    /** The IP addresses of a Node, which may have names among its addresses. */
    private static List<InetAddress> nodeAddresses(Field status) throws InvalidFieldException {
        List<InetAddress> addresses = new ArrayList<>();
        for (Field entry : status.get("addresses").elements()) {
            if (entry.get("type").text("").endsWith("IP")) {
                addresses.add(FieldRules.address(entry.get("address")));
            }
        }
        return addresses;
    }

    /** {@code file:line} of the object's name: a person looks for that. */
    static String place(Field document) throws InvalidFieldException {
        return document.get("metadata").get("name").location();
    }

    private static ServiceName name(Field document, String kind) throws InvalidFieldException {
        Field metadata = document.get("metadata");
        Field name = metadata.get("name");
        if (!name.present()) {
            throw name.invalid("is missing");
        }
        String text = name.text("");
        if (kind.equals("Service")
                && (!FieldRules.isDnsLabel(text) || text.charAt(0) >= '0' && text.charAt(0) <= '9')) {
            throw name.invalid("'" + text + "' is not a Service name: lower case letters, digits and '-', beginning"
                    + " with a letter, 63 characters at the most");
        }
        if (!FieldRules.isDnsName(text)) {
            throw name.invalid("'" + text + "' is not a name: lower case letters, digits, '-' and '.'");
        }
        if (kind.equals("Node") || kind.equals("Namespace")) {
            return new ServiceName("", text);
        }
        Field namespace = metadata.get("namespace");
        String namespaceText = namespace.text("default");
        if (!FieldRules.isDnsLabel(namespaceText)) {
            throw namespace.invalid("'" + namespaceText + "' is not a namespace: lower case letters, digits and '-'");
        }
        return new ServiceName(namespaceText, text);
    }
}
