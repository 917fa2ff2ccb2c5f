package io.sluice.service;

import java.util.Arrays;
import java.util.Optional;

/** When a connection to an endpoint is handed to the kernel, which then translates its packets without the proxy. */
public enum HandoffPolicy {
    /** Never: all bytes pass the proxy. */
    NEVER("never"),
    /** When a connection that has lived for some seconds is quiet. */
    AUTO("auto"),
    /** As soon as the endpoint is connected: the client sends nothing before. */
    EAGER("eager");

    private final String word;

    HandoffPolicy(String word) {
        this.word = word;
    }

    /** The word for it in flags and annotations. */
    public String word() {
        return word;
    }

    /** The policy that {@code word} means; empty for any other word. */
    public static Optional<HandoffPolicy> of(String word) {
        return Arrays.stream(values()).filter(policy -> policy.word.equals(word)).findFirst();
    }
}
