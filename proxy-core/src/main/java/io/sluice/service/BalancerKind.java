package io.sluice.service;

import java.util.Optional;

/** How connections are spread over the endpoints that may take them. */
public enum BalancerKind {
    /** Each endpoint in turn. */
    ROUND_ROBIN("round-robin"),
    /** Any endpoint, at random. */
    RANDOM("random"),
    /** Of two endpoints taken at random the one with fewer open connections. */
    LEAST_CONNECTIONS("least-connections"),
    /** Each endpoint in turn, as often as its weight says. */
    WEIGHTED_ROUND_ROBIN("weighted-round-robin"),
    /** One client address goes to one endpoint, and few clients move when endpoints come and go. */
    MAGLEV("maglev");

    private final String word;

    BalancerKind(String word) {
        this.word = word;
    }

    /** The spelling in annotations and in the configuration. */
    public String word() {
        return word;
    }

    /** The kind with this spelling; empty if there is none. */
    public static Optional<BalancerKind> of(String word) {
        for (BalancerKind kind : values()) {
            if (kind.word.equals(word)) {
                return Optional.of(kind);
            }
        }
        return Optional.empty();
    }
}
