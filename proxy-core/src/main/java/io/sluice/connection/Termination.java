package io.sluice.connection;

/**
 * Which side ended a connection, and in which phase: two letters in the spirit of HAProxy's termination states.
 *
 * <p>First letter: {@code -} both sides finished, {@code C} the client aborted, {@code S} the backend refused or
 * aborted, {@code P} the proxy, which had no endpoint, {@code R} a resource of this node ran out,
 * {@code K} the drain deadline, {@code O} an operator, {@code c} the client was silent for too long, {@code s} the backend was.
 * While the kernel has a connection, which side ended it is not known: {@code R} one reset it, {@code i} it was idle,
 * {@code F} the kernel forgot it.
 * Second letter: {@code -} after the end of both streams, {@code C} while connecting, {@code D} while data went in both
 * directions, {@code L} after one side had finished, {@code A} while its host had data to acknowledge, {@code N} while the kernel had it.
 */
public enum Termination {
    /** Both sides finished. */
    NORMAL("--", "both sides finished"),
    /** The client aborted before an endpoint was connected. */
    CLIENT_ABORTED_CONNECTING("CC", "the client aborted before an endpoint was connected"),
    /** The client aborted. */
    CLIENT_ABORTED("CD", "the client aborted"),
    /** The client aborted after one side had finished. */
    CLIENT_ABORTED_LAST("CL", "the client aborted after one side had finished"),
    /** Every endpoint tried refused or could not be reached. */
    BACKEND_REFUSED("SC", "every endpoint tried refused or could not be reached"),
    /** The backend aborted. */
    BACKEND_ABORTED("SD", "the backend aborted"),
    /** The backend aborted after one side had finished. */
    BACKEND_ABORTED_LAST("SL", "the backend aborted after one side had finished"),
    /** No endpoint tried answered in time. */
    BACKEND_CONNECT_TIMED_OUT("sC", "no endpoint tried answered in time"),
    /** Idle, waiting for the client. */
    CLIENT_IDLE("cD", "idle, waiting for the client"),
    /** Idle, waiting for the backend. */
    BACKEND_IDLE("sD", "idle, waiting for the backend"),
    /** Half-closed and idle, waiting for the client. */
    CLIENT_IDLE_LAST("cL", "half-closed and idle, waiting for the client"),
    /** Half-closed and idle, waiting for the backend. */
    BACKEND_IDLE_LAST("sL", "half-closed and idle, waiting for the backend"),
    /** The client's host acknowledged nothing any more. */
    CLIENT_DEAD("cA", "the client's host answered nothing any more"),
    /** The backend's host acknowledged nothing any more. */
    BACKEND_DEAD("sA", "the backend's host answered nothing any more"),
    /** No endpoint to connect to. */
    NO_ENDPOINT("PC", "no endpoint to connect to"),
    /** This node ran out of a resource. */
    LOCAL_RESOURCES("RC", "this node ran out of a resource"),
    /** Ended by the proxy while connecting. */
    KILLED_CONNECTING("KC", "ended by the proxy while connecting"),
    /** Ended by the proxy. */
    KILLED("KD", "ended by the proxy"),
    /** Ended by an operator while connecting. */
    ORDERED_CONNECTING("OC", "ended by an operator while connecting"),
    /** Ended by an operator. */
    ORDERED("OD", "ended by an operator"),
    /** Both sides finished while the kernel had it. */
    KERNEL_NORMAL("-N", "both sides finished while the kernel had it"),
    /** One side reset it while the kernel had it. */
    KERNEL_RESET("RN", "one side reset it while the kernel had it"),
    /** Idle while the kernel had it. */
    KERNEL_IDLE("iN", "idle while the kernel had it"),
    /** Somebody removed it from the kernel's table, or it was full. */
    KERNEL_FORGOTTEN("FN", "the kernel forgot it: the table was flushed, or it was idle for too long"),
    /** Ended by an operator while the kernel had it. */
    KERNEL_ORDERED("ON", "ended by an operator while the kernel had it");

    private final String code;
    private final String meaning;

    Termination(String code, String meaning) {
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
