package io.sluice.source.manifest;

import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
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
 * @param detail      what is read of Pods beside their endpoints
 * @param discover     whether processes of workloads are looked for on this machine where nothing says where they are
 */
public record ManifestOptions(ManifestInputs inputs, List<Cidr> serviceCidrs, int nodePortMin, int nodePortMax,
        String nodeName, List<GivenEndpoint> endpoints, PodDetail detail, boolean discover) {

    /** What is read of Pods whose processes run here. Each has what those before it have. */
    public enum PodDetail {
        /** Where they are. */
        ADDRESSES,
        /** Their readiness probes. */
        PROBES,
        /** The variables of their programs. */
        PROGRAMS
    }

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
        this(inputs, serviceCidrs, nodePortMin, nodePortMax, nodeName, endpoints, PodDetail.ADDRESSES, false);
    }

    /** Options for files and directories that alone say where processes are. */
    public ManifestOptions(List<String> inputs, List<Cidr> serviceCidrs, int nodePortMin, int nodePortMax,
            String nodeName) {
        this(ManifestInputs.of(inputs), serviceCidrs, nodePortMin, nodePortMax, nodeName, List.of());
    }

    /** The family of a Service that names none: that of the first range. */
    IpFamily mainFamily() {
        return serviceCidrs.isEmpty() ? IpFamily.IPV4 : serviceCidrs.getFirst().family();
    }

    /** These options with other {@code endpoints}. */
    public ManifestOptions with(List<GivenEndpoint> endpoints) {
        return new ManifestOptions(inputs, serviceCidrs, nodePortMin, nodePortMax, nodeName, endpoints, detail,
                discover);
    }

    /** These options, which read probes. */
    public ManifestOptions withProbes() {
        return new ManifestOptions(inputs, serviceCidrs, nodePortMin, nodePortMax, nodeName, endpoints,
                detail == PodDetail.PROGRAMS ? detail : PodDetail.PROBES, discover);
    }

    /** These options, which read all that a program has. */
    public ManifestOptions withPrograms() {
        return new ManifestOptions(inputs, serviceCidrs, nodePortMin, nodePortMax, nodeName, endpoints,
                PodDetail.PROGRAMS, discover);
    }
}
