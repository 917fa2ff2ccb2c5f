package io.sluice.source.manifest;

import io.sluice.service.Cidr;
import java.util.List;

/**
 * The inputs, and the rules for values that manifests leave out.
 *
 * @param inputs       where manifests are read from
 * @param serviceCidrs where cluster addresses are allocated, at most one range of each family
 * @param nodePortMin  first node port that is allocated
 * @param nodePortMax  last one
 * @param nodeName     this node; a Node manifest of that name has its zone
 * @param endpoints    where the processes of workloads are; they come before what the manifests say
 * @param probes       whether readiness probes of Pods whose processes run here are read
 */
public record ManifestOptions(ManifestInputs inputs, List<Cidr> serviceCidrs, int nodePortMin, int nodePortMax,
        String nodeName, List<GivenEndpoint> endpoints, boolean probes) {

    /** Throws IllegalArgumentException for ranges that hold nothing, or two of one family. */
    public ManifestOptions {
        if (nodePortMin < 1 || nodePortMax > 65_535 || nodePortMin > nodePortMax) {
            throw new IllegalArgumentException("node ports " + nodePortMin + "-" + nodePortMax + " are no range");
        }
        if (serviceCidrs.stream().map(Cidr::family).distinct().count() < serviceCidrs.size()) {
            throw new IllegalArgumentException("two ranges of one family: " + serviceCidrs);
        }
        serviceCidrs = List.copyOf(serviceCidrs);
        endpoints = List.copyOf(endpoints);
    }

    /** Options that read no probes. */
    public ManifestOptions(ManifestInputs inputs, List<Cidr> serviceCidrs, int nodePortMin, int nodePortMax,
            String nodeName, List<GivenEndpoint> endpoints) {
        this(inputs, serviceCidrs, nodePortMin, nodePortMax, nodeName, endpoints, false);
    }

    /** Options for files and directories that alone say where processes are. */
    public ManifestOptions(List<String> inputs, List<Cidr> serviceCidrs, int nodePortMin, int nodePortMax,
            String nodeName) {
        this(ManifestInputs.of(inputs), serviceCidrs, nodePortMin, nodePortMax, nodeName, List.of());
    }

    /** These options with other {@code endpoints}. */
    public ManifestOptions with(List<GivenEndpoint> endpoints) {
        return new ManifestOptions(inputs, serviceCidrs, nodePortMin, nodePortMax, nodeName, endpoints, probes);
    }

    /** These options, which read probes. */
    public ManifestOptions withProbes() {
        return new ManifestOptions(inputs, serviceCidrs, nodePortMin, nodePortMax, nodeName, endpoints, true);
    }
}
