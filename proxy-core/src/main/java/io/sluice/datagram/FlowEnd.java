package io.sluice.datagram;

/** Why a flow has ended: two letters for the access log, in the spirit of those of TCP connections. */
public enum FlowEnd {
    /** The endpoint has replied to all datagrams of the client, as often as is known for its Service. */
    ANSWERED("--", "every datagram of the client was answered"),
    /** Neither side sent for as long as the Service lets flows be idle. */
    EXPIRED("cD", "idle, after the endpoint had replied"),
    /** As {@link #EXPIRED}, and the endpoint has never replied. */
    UNANSWERED("sC", "idle, and the endpoint has never replied"),
    /** Another flow took its place: there were too many. */
    GAVE_WAY("RD", "gave way to another flow, as there were too many"),
    /** The Service has no endpoint left for it. */
    NO_ENDPOINT("PC", "no endpoint is left"),
    /** This node had no socket for it. */
    LOCAL_RESOURCES("RC", "this node ran out of a resource"),
    /** The proxy no longer receives at the address that the client sent to. */
    CLOSED("PD", "its Service port is gone, or has no endpoint any more"),
    /** The next process has it. Not in the access log: there it ends where it ends. */
    HANDED_OVER("--", "goes on in the next process"),
    /** The proxy ended. */
    KILLED("KD", "ended by the proxy"),
    /** An operator ended it. */
    ORDERED("OD", "ended by an operator");

    private final String code;
    private final String meaning;

    FlowEnd(String code, String meaning) {
        this.code = code;
        this.meaning = meaning;
    }

    /** The two letters. */
    public String code() {
        return code;
    }

    /** One phrase for a person. */
    public String meaning() {
        return meaning;
    }
}
