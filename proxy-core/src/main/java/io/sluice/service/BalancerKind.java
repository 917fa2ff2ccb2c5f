package io.sluice.service;

import java.util.Optional;

/** How connections are spread over the endpoints that may take them. */
public enum BalancerKind {
    /** Each endpoint in turn. */
    ROUND_ROBIN("round-robin"),
    /** Any endpoint by chance. */
    RANDOM("random"),
    /** Of two endpoints taken by chance the one with fewer open connections. */
    LEAST_CONNECTIONS("least-connections"),
    /** In turn, each as often as its weight says. */
    WEIGHTED_ROUND_ROBIN("weighted-round-robin"),
    /** One client address goes to one endpoint, and few move when endpoints come and go. */
    MAGLEV("maglev");

    private final String word;

    BalancerKind(String word) {
        this.word = word;
    }

    /** As annotations and the configuration write it. */
    public String word() {
        return word;
    }

    /** The kind that is written so; empty if none is. */
    public static Optional<BalancerKind> of(String word) {
        for (BalancerKind kind : values()) {
            if (kind.word.equals(word)) {
                return Optional.of(kind);
            }
        }
        return Optional.empty();
    }
}
