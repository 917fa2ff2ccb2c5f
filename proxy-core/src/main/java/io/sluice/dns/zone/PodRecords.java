package io.sluice.dns.zone;

/** Whether names like {@code 10-1-0-3.default.pod.cluster.local} are answered; CoreDNS's option {@code pods}. */
public enum PodRecords {
    /** Such names do not exist. */
    OFF,
    /** Any well-formed address in a namespace that exists: with a name below it, a client can be led to any address. */
    INSECURE,
    /** Only addresses that a Pod of the namespace has. */
    VERIFIED
}
