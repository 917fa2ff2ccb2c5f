package io.sluice.source.kubernetes;

import io.fabric8.kubernetes.api.model.AuthInfo;
import io.fabric8.kubernetes.client.http.BasicBuilder;
import io.fabric8.kubernetes.client.http.HttpRequest;
import io.fabric8.kubernetes.client.http.Interceptor;
import io.sluice.source.SourceException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * As whom the user of a kubeconfig acts: {@code as}, {@code as-uid}, {@code as-groups} and {@code as-user-extra}. The
 * Kubernetes client passes over them, and would send its requests in the user's own name.
 *
 * @param headers of each request (https://kubernetes.io/docs/reference/access-authn-authz/authentication, User
 *                impersonation); empty for nobody else
 */
record Impersonation(Map<String, List<String>> headers) implements Interceptor {

    static final Impersonation NONE = new Impersonation(Map.of());

    private static final String USER = "Impersonate-User";
    /** What HTTP allows in the name of a header beside letters and digits (RFC 9110, token), without the percent sign. */
    private static final String NAME_CHARACTERS = "!#$&'*+-.^_`|~";

    /**
     * Reads it.
     *
     * @throws SourceException if it says more than the user, but not the user, or what no header can have
     */
    static Impersonation of(AuthInfo info, String origin) throws SourceException {
        List<String> groups = info.getAsGroups() == null ? List.of() : info.getAsGroups();
        Map<String, List<String>> extra = info.getAsUserExtra() == null ? Map.of() : info.getAsUserExtra();
        if (isEmpty(info.getAs())) {
            if (!isEmpty(info.getAsUid()) || !groups.isEmpty() || !extra.isEmpty()) {
                throw Kubeconfig.wrong(origin,
                        "its user has as-uid, as-groups or as-user-extra without 'as': say whom to act as");
            }
            return NONE;
        }
        Map<String, List<String>> headers = new LinkedHashMap<>();
        headers.put(USER, List.of(value(info.getAs(), "as", origin)));
        if (!isEmpty(info.getAsUid())) {
            headers.put("Impersonate-Uid", List.of(value(info.getAsUid(), "as-uid", origin)));
        }
        if (!groups.isEmpty()) {
            headers.put("Impersonate-Group", values(groups, "as-groups", origin));
        }
        for (Map.Entry<String, List<String>> one : extra.entrySet()) {
            headers.put("Impersonate-Extra-" + escaped(one.getKey()),
                    values(Objects.requireNonNullElse(one.getValue(), List.of()), "as-user-extra", origin));
        }
        return new Impersonation(headers);
    }

    private static boolean isEmpty(@Nullable String text) {
        return text == null || text.isEmpty();
    }

    private static List<String> values(List<String> texts, String field, String origin) throws SourceException {
        List<String> values = new ArrayList<>();
        for (String text : texts) {
            values.add(value(text, field, origin));
        }
        return List.copyOf(values);
    }

    private static String value(@Nullable String text, String field, String origin) throws SourceException {
        if (text == null || !text.chars().allMatch(c -> c >= ' ' && c <= '~')) {
            throw Kubeconfig.wrong(origin,
                    "its user has in '" + field + "' what no HTTP header can have: only printable"
                            + " ASCII characters can be sent");
        }
        return text;
    }

    /** Other characters as percent signs with the numbers of their octets (client-go, headerKeyEscape). */
    private static String escaped(String key) {
        StringBuilder name = new StringBuilder();
        for (byte octet : key.getBytes(StandardCharsets.UTF_8)) {
            char c = (char) Byte.toUnsignedInt(octet);
            boolean plain = c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
                    || NAME_CHARACTERS.indexOf(c) >= 0;
            name.append(plain ? Character.toString(c) : "%%%02X".formatted((int) c));
        }
        return name.toString();
    }

    /** A request that is repeated has them already. */
    @Override
    public void before(BasicBuilder builder, HttpRequest request, RequestTags tags) {
        if (request.header(USER) == null) {
            headers.forEach((name, values) -> values.forEach(value -> builder.header(name, value)));
        }
    }
}
