package io.sluice.source.kubernetes;

import java.time.Duration;
import java.util.Map;

/** Hears of every request to the API server, in the words of client-go's own metrics. Called on any thread. */
public interface ApiObserver {

    /** Hears and does nothing. */
    ApiObserver DEAF = new ApiObserver() {
        @Override
        public void answered(String method, String host, String code) {}

        @Override
        public void took(String verb, String host, Duration time) {}

        @Override
        public void serverBuild(Map<String, String> build) {}
    };

    /**
     * A request was answered, or will not be.
     *
     * @param host {@code name:port} of the server, as its URL has it
     * @param code the status, or {@code <error>}
     */
    void answered(String method, String host, String code);

    /** A request other than a watch has ended after {@code time}, with its whole answer or without. */
    void took(String verb, String host, Duration time);

    /** What the API server says at {@code /version} of itself, such as {@code gitVersion}. */
    void serverBuild(Map<String, String> build);
}
