package io.sluice.dns;

/** Whether names like {@code 10-1-0-3.default.pod.cluster.local} are answered; CoreDNS's option {@code pods}. */
public enum PodRecords {
    /** They do not exist. */
    OFF,
    /** Any well-formed address in a namespace that exists; whoever controls a name can get any address under it. */
    INSECURE,
    /** Only addresses that a Pod of the namespace has. */
    VERIFIED
}
