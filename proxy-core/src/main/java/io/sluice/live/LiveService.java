package io.sluice.live;

import io.sluice.metrics.LatencySummary;
import io.sluice.service.ServiceName;
import io.sluice.text.PrintableJson;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * One Service in a {@link LivePicture}: what it is, which seldom changes, and its figures. Immutable.
 */
final class LiveService {

    /** How well a Service does. */
    enum State {
        /** An address cannot be listened on. */
        FAILED,
        /** A port has no endpoint that takes connections. */
        EMPTY,
        /** An endpoint does not answer. */
        EJECTED,
        /** Nothing is wrong. */
        OK,
        /** It is not proxied. */
        NONE;

        String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What a Service is.
     *
     * @param addresses as text, the first few
     * @param ports     as text, {@code 80/TCP, 53/UDP}
     * @param why       what is wrong; empty for nothing
     */
    record About(String type, String addresses, String ports, String why) {}

    /**
     * A Service's endpoints, by address and port.
     *
     * @param draining terminating, and still serving
     */
    record Endpoints(int ready, int total, int ejected, int draining) {}

    /**
     * A Service as it is now.
     *
     * @param open        connections
     * @param connections that were ever accepted
     * @param bytes       that were ever passed on, in both directions
     */
    record Look(ServiceName name, About about, State state, Endpoints endpoints, long open, long connections,
            long bytes,
            LatencySummary connect, LatencySummary firstByte) {

        private boolean sameFigures(Look other) {
            return state == other.state && open == other.open && connections == other.connections
                    && bytes == other.bytes && endpoints.equals(other.endpoints) && connect.equals(other.connect)
                    && firstByte.equals(other.firstByte);
        }
    }

    private final int id;
    private final Look look;
    private final String about;
    private final long aboutSince;
    private final String figures;
    private final long figuresSince;
    /** Whether no connection and no byte came between this picture and the one before. */
    private final boolean quiet;

    private LiveService(int id, Look look, String about, long aboutSince, String figures, long figuresSince,
            boolean quiet) {
        this.id = id;
        this.look = look;
        this.about = about;
        this.aboutSince = aboutSince;
        this.figures = figures;
        this.figuresSince = figuresSince;
        this.quiet = quiet;
    }

    /** A Service that was not in the picture before. */
    static LiveService first(int id, Look look, long picture) {
        return new LiveService(id, look, aboutJson(id, look), picture, figuresJson(id, look, 0, 0), picture, true);
    }

    /**
     * The same Service in the next picture.
     *
     * @param nanos   between both
     * @param picture the number of the next one
     */
    LiveService next(Look now, long nanos, long picture) {
        boolean sameAbout = now.about().equals(look.about());
        double rate = rate(now, nanos);
        double bytesRate = bytesRate(now, nanos);
        boolean quiet = rate == 0 && bytesRate == 0;
        // Most Services of a large cluster: nothing is made anew for them.
        boolean unmoved = quiet && this.quiet && now.sameFigures(look);
        String text = unmoved ? figures : figuresJson(id, now, rate, bytesRate);
        boolean sameFigures = text.equals(figures);
        return new LiveService(id, now, sameAbout ? about : aboutJson(id, now), sameAbout ? aboutSince : picture,
                sameFigures ? figures : text, sameFigures ? figuresSince : picture, quiet);
    }

    int id() {
        return id;
    }

    boolean changedIn(long picture) {
        return aboutSince == picture || figuresSince == picture;
    }

    /** What it is, as JSON; empty if that is known since this picture. */
    String aboutSince(long picture) {
        return aboutSince > picture ? about : "";
    }

    /** The same of its figures. */
    String figuresSince(long picture) {
        return figuresSince > picture ? figures : "";
    }

    /** New connections each second; a counter that began anew counts from there. */
    double rate(Look now, long nanos) {
        return perSecond(now.connections() - look.connections(), nanos);
    }

    double bytesRate(Look now, long nanos) {
        return perSecond(now.bytes() - look.bytes(), nanos);
    }

    private static double perSecond(long difference, long nanos) {
        return nanos <= 0 || difference <= 0 ? 0 : difference * (double) TimeUnit.SECONDS.toNanos(1) / nanos;
    }

    private static String aboutJson(int id, Look look) {
        Map<String, Object> fields = new LinkedHashMap<>();
        fields.put("id", id);
        fields.put("namespace", look.name().namespace());
        fields.put("name", look.name().name());
        fields.put("type", look.about().type());
        fields.put("addresses", look.about().addresses());
        fields.put("ports", look.about().ports());
        fields.put("why", look.about().why());
        return PrintableJson.mapper().writeValueAsString(fields);
    }

    /** In the order that the page knows: only words of our own and numbers. */
    private static String figuresJson(int id, Look look, double rate, double bytesRate) {
        return "[" + String.join(",", List.of(Integer.toString(id), "\"" + look.state().word() + "\"",
                Integer.toString(look.endpoints().ready()), Integer.toString(look.endpoints().total()),
                Integer.toString(look.endpoints().ejected()), Integer.toString(look.endpoints().draining()),
                Long.toString(look.open()), decimal(rate), Long.toString(Math.round(bytesRate)),
                millis(look.connect(), look.connect().p50()), millis(look.connect(), look.connect().p99()),
                millis(look.firstByte(), look.firstByte().p50()), millis(look.firstByte(), look.firstByte().p99())))
                + "]";
    }

    private static String millis(LatencySummary of, Duration value) {
        return of.count() == 0 ? "null" : decimal(value.toNanos() / 1e6);
    }

    /** With two digits after the point, or none where the number is large. */
    static String decimal(double value) {
        return value == 0 ? "0" : String.format(Locale.ROOT, value < 100 ? "%.2f" : "%.0f", value);
    }
}
