package io.sluice.simulation;

/** A class of faults. The seed switches each on or off for a whole history, and decides when it happens. */
public enum FaultClass {
    /** The API server is down, refuses, is too busy, or answers with errors. */
    SERVER_FAILS,
    /** Its responses begin late, are silent, or break off in the middle. */
    SERVER_SLOW,
    /** Watches break, end at once, or bring nothing any more; versions are compacted; continue tokens expire. */
    WATCHES_FAIL,
    /** The server has lost its store for a while, or has an older one for good. */
    STORE_LOST,
    /** Something else responds in its place: HTML, another kind of list, other events. */
    IMPOSTOR,
    /** Tenants write endpoints and addresses that are not theirs. */
    HOSTILE_TENANT,
    /** Other software has ports that Services claim; there are no descriptors. */
    PORTS_TAKEN,
    /** Routes are refused, vanish, or cannot be read. */
    ROUTES_FAIL,
    /** nf_tables refuses, cannot be asked, or is changed by somebody. */
    NETFILTER_FAILS,
    /** The node's own addresses change. */
    NODE_CHANGES,
    /** Pods refuse connections although they are ready. */
    PODS_FAIL,
    /** The daemon is killed, and starts again with its state file. */
    KILLED,
    /** Another daemon follows the one that serves, hangs or dies at any step, and is followed. */
    HANDED_OVER,
    /** The disk is full, or keeps half of what is written. */
    DISK_FAILS,
    /** The wall clock steps. */
    CLOCK_STEPS
}
