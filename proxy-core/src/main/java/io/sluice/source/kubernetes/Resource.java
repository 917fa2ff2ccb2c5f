package io.sluice.source.kubernetes;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

/**
 * A resource of the API, and the selector of the objects to list and watch.
 *
 * @param kind     of the objects
 * @param path     of the list, for example {@code /api/v1/services}
 * @param fullName resource and API group, for example {@code endpointslices.discovery.k8s.io}
 * @param selector query that selects objects, already encoded; empty for all
 * @param reader   reads each object
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

    /** One page of the list; {@code next} is the continue token of the page before, empty for the first page. */
    String listPath(int limit, String next) {
        return path + "?limit=" + limit + (next.isEmpty() ? "" : "&continue=" + encode(next)) + selection();
    }

    /** The list without pages. */
    String listPath() {
        return path + (selector.isEmpty() ? "" : "?" + selector);
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
