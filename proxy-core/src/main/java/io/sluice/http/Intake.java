package io.sluice.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.QueryStringDecoder;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The decision about a request; pure.
 *
 * @param decision  the answer, or the question for a route
 * @param withBody  false for {@code HEAD}
 * @param keepAlive whether the client may send another request on this connection
 * @param takesChunks whether it knows bodies of an unknown length: HTTP/1.1
 */
record Intake(Decision decision, boolean withBody, boolean keepAlive, boolean takesChunks) {

    /** How a request is answered. */
    sealed interface Decision {

        /** With an error, without a route. */
        record Refused(int status, String message) implements Decision {
            Response answer() {
                Response response = Response.error(status, message);
                return status == 405 ? response.with("Allow", "GET, HEAD") : response;
            }
        }

        /** With the response of a route. */
        record Asked(Renderings.Question question) implements Decision {}
    }

    /** The absolute form of a target (RFC 9112, 3.2.2): the authority, then the origin form. */
    private static final Pattern ABSOLUTE = Pattern.compile("(?i)https?://([^/?#]*)(.*)");
    private static final Pattern NO_QUALITY = Pattern.compile(".*;\\s*[qQ]\\s*=\\s*0(\\.0*)?\\s*");

    /** Ends the connection after {@code response}. */
    static Intake last(int status, String message) {
        return new Intake(new Decision.Refused(status, message), true, false, false);
    }

    /** Decides about a request of Netty's decoder. */
    static Intake of(HttpRequest request, Site site, HttpLimits limits) {
        if (request.decoderResult().isFailure()) {
            Throwable cause = request.decoderResult().cause();
            return cause instanceof TooLongHttpLineException
                    ? last(414, "the request's first line is longer than " + limits.headBytes() + " octets")
                    : cause instanceof TooLongHttpHeaderException
                            ? last(431, "the request's headers are longer than " + limits.headBytes() + " octets")
                    : last(400, "this is not a request of HTTP/1.1");
        }
        if (request.headers().size() > limits.headers()) {
            return last(431, "the request has more than " + limits.headers() + " headers");
        }
        if (request.protocolVersion().majorVersion() != 1) {
            return last(505, "only HTTP/1.1 and 1.0 are spoken here");
        }
        return new Intake(decide(request, site), !request.method().equals(HttpMethod.HEAD),
                HttpUtil.isKeepAlive(request) && !site.isOneAnswer(),
                request.protocolVersion().minorVersion() >= 1);
    }

    private static Decision decide(HttpRequest request, Site site) {
        Matcher absolute = ABSOLUTE.matcher(request.uri());
        boolean whole = absolute.matches();
        String target = whole ? absolute.group(2) : request.uri();
        String path = path(whole && !target.startsWith("/") ? "/" + target : target);
        Optional<Route> route = site.route(path);
        Optional<AllowedHosts.Refusal> refusal = site.hosts().refusal(request.headers().getAll(HttpHeaderNames.HOST),
                whole ? Optional.of(absolute.group(1)) : Optional.empty(),
                request.protocolVersion().minorVersion() >= 1);
        if (refusal.isPresent() && route.filter(r -> r.kind() == Route.Kind.PROBE).isEmpty()) {
            return new Decision.Refused(refusal.get().status(), refusal.get().message());
        }
        if (route.isEmpty()) {
            return new Decision.Refused(404, "nothing is here; / lists what is");
        }
        HttpMethod method = request.method();
        if (!site.isOneAnswer() && !method.equals(HttpMethod.GET) && !method.equals(HttpMethod.HEAD)) {
            return new Decision.Refused(405, "only GET and HEAD are allowed");
        }
        int mark = target.indexOf('?');
        try {
            return new Decision.Asked(new Renderings.Question(route.get(), path,
                    Request.of(request.headers().get(HttpHeaderNames.ACCEPT),
                            request.headers().get(HttpHeaderNames.USER_AGENT),
                            site.isOneAnswer() || mark < 0 ? null : target.substring(mark + 1), refusal.isEmpty()),
                    takesGzip(request.headers().getAll(HttpHeaderNames.ACCEPT_ENCODING))));
        } catch (Request.BadRequestException e) {
            return new Decision.Refused(400, String.valueOf(e.getMessage()));
        }
    }

    /** The decoded path; {@code target} itself, which is the name of no route, if it cannot be decoded. */
    private static String path(String target) {
        try {
            return new QueryStringDecoder(target).path();
        } catch (IllegalArgumentException e) {
            return target;
        }
    }

    /** Whether the client accepts gzip: RFC 9110, 12.5.3. */
    static boolean takesGzip(@Nullable List<String> headers) {
        return headers != null && headers.stream().flatMap(header -> List.of(header.split(",")).stream())
                .map(coding -> coding.strip().toLowerCase(Locale.ROOT))
                .anyMatch(coding -> (coding.equals("gzip") || coding.startsWith("gzip;") || coding.startsWith("gzip "))
                        && !NO_QUALITY.matcher(coding).matches());
    }
}
