package io.sluice.source.kubernetes;

import java.time.Duration;
import java.util.Map;

/** Is notified of every request to the API server, with the labels of client-go's metrics. Called on any thread. */
public interface ApiObserver {

    /** Does nothing. */
    ApiObserver DEAF = new ApiObserver() {
        @Override
        public void answered(String method, String host, String code) {}

        @Override
        public void took(String verb, String host, Duration time) {}

        @Override
        public void serverBuild(Map<String, String> build) {}
    };

    /**
     * A request has its response, or has failed.
     *
     * @param host {@code name:port} of the server, as its URL has it
     * @param code the status, or {@code <error>}
     */
    void answered(String method, String host, String code);

    /** A request other than a watch has ended after {@code time}, successful or not. */
    void took(String verb, String host, Duration time);

    /** The fields of the API server's {@code /version}, such as {@code gitVersion}. */
    void serverBuild(Map<String, String> build);
}
