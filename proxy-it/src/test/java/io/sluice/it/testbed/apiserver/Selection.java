package io.sluice.it.testbed.apiserver;

import com.sun.net.httpserver.HttpExchange;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;
import tools.jackson.databind.node.ObjectNode;

/** Which objects a request to an API server asks for. */
final class Selection {

    private Selection() {}

    /** What a request's selectors let through of the objects of {@code namespace}; of all if that is empty. */
    static Predicate<ObjectNode> wanted(String namespace, Map<String, String> query) {
        Predicate<ObjectNode> wanted =
                object -> namespace.isEmpty()
                        || object.path("metadata").path("namespace").asString("").equals(namespace);
        for (String term : query.getOrDefault("labelSelector", "").split(",", -1)) {
            wanted = wanted.and(labelTerm(term));
        }
        for (String term : query.getOrDefault("fieldSelector", "").split(",", -1)) {
            wanted = wanted.and(fieldTerm(term));
        }
        return wanted;
    }

    private static Predicate<ObjectNode> labelTerm(String term) {
        if (term.isEmpty()) {
            return object -> true;
        }
        if (term.startsWith("!")) {
            return object -> !object.path("metadata").path("labels").has(term.substring(1));
        }
        String[] sides = term.split("==?", 2);
        return sides.length == 1
                ? object -> object.path("metadata").path("labels").has(term)
                : object -> object.path("metadata").path("labels").path(sides[0]).asString("").equals(sides[1]);
    }

    private static Predicate<ObjectNode> fieldTerm(String term) {
        if (term.isEmpty()) {
            return object -> true;
        }
        String[] sides = term.split("!?==?", 2);
        Predicate<ObjectNode> equal =
                object -> object.at("/" + sides[0].replace('.', '/')).asString("").equals(sides[1]);
        return term.contains("!=") ? equal.negate() : equal;
    }

    /** The parameters of a request. */
    static Map<String, String> of(HttpExchange exchange) {
        Map<String, String> query = new HashMap<>();
        String raw = exchange.getRequestURI().getRawQuery();
        for (String pair : raw == null ? new String[0] : raw.split("&", -1)) {
            int equals = pair.indexOf('=');
            if (equals > 0) {
                query.put(URLDecoder.decode(pair.substring(0, equals), StandardCharsets.UTF_8),
                        URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
            }
        }
        return query;
    }
}
