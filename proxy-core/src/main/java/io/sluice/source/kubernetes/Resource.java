package io.sluice.source.kubernetes;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/**
 * A kind of object as the API server knows it, and which of them are wanted.
 *
 * @param kind     of the objects
 * @param path     of the list, for example {@code /api/v1/services}
 * @param fullName resource and API group, for example {@code endpointslices.discovery.k8s.io}
 * @param selector query that selects them, already encoded; empty for all
 * @param reader   what is kept of each
 */
record Resource<T>(ObjectKind kind, String path, String fullName, String selector, ObjectReader<T> reader) {

    static <T> Resource<T> labelled(ObjectKind kind, String path, String fullName, String labelSelector,
            ObjectReader<T> reader) {
        return new Resource<>(kind, path, fullName, "labelSelector=" + encode(labelSelector), reader);
    }

    static <T> Resource<T> all(ObjectKind kind, String path, String fullName, ObjectReader<T> reader) {
        return new Resource<>(kind, path, fullName, "", reader);
    }

    static <T> Resource<T> named(ObjectKind kind, String path, String fullName, String name,
            ObjectReader<T> reader) {
        return new Resource<>(kind, path, fullName, "fieldSelector=" + encode("metadata.name=" + name), reader);
    }

    /** One page of the list; {@code next} is the token that the page before gave, empty for the first. */
    String listPath(int limit, String next) {
        return path + "?limit=" + limit + (next.isEmpty() ? "" : "&continue=" + encode(next)) + selection();
    }

    /** The watch from {@code version} on. */
    String watchPath(String version, long seconds) {
        return path + "?watch=true&allowWatchBookmarks=true&resourceVersion=" + encode(version) + "&timeoutSeconds="
                + seconds + selection();
    }

    private String selection() {
        return selector.isEmpty() ? "" : "&" + selector;
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
