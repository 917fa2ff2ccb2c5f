package io.sluice.service;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How the endpoints of a Service are checked, in HAProxy's words {@code check inter … rise … fall …}.
 *
 * @param path     what an HTTP GET asks for; null if the endpoint only has to accept a connection
 * @param interval from the beginning of one check of an endpoint to the next
 * @param timeout  of one check, from the attempt to connect to the status line; no longer than {@code interval}
 * @param rise     how many checks in a row an endpoint that failed has to pass; at least 1
 * @param fall     how many checks in a row an endpoint that passed has to fail; at least 1
 */
public record HealthCheck(@Nullable String path, Duration interval, Duration timeout, int rise, int fall) {

    /** {@code tcp} or {@code http:/path}. */
    public static final String CHECK = "sluice.io/health-check";
    /** From one check to the next, for example {@code 5s}. */
    public static final String INTERVAL = "sluice.io/health-check-interval";
    /** Of one check, for example {@code 1s}. */
    public static final String TIMEOUT = "sluice.io/health-check-timeout";
    /** How many checks in a row have to pass. */
    public static final String RISE = "sluice.io/health-check-rise";
    /** How many checks in a row have to fail. */
    public static final String FALL = "sluice.io/health-check-fall";

    static final List<String> ANNOTATIONS = List.of(CHECK, INTERVAL, TIMEOUT, RISE, FALL);

    private static final String HTTP = "http:";
    /** A path and perhaps a query: what stands in a request line without being escaped (RFC 9112, section 3.2.1). */
    private static final Pattern PATH = Pattern.compile("/[!-~&&[^#\"<>\\\\^`{|}]]{0,255}");
    private static final Duration DEFAULT_INTERVAL = Duration.ofSeconds(5);
    private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration MIN_INTERVAL = Duration.ofSeconds(1);
    private static final Duration MAX_INTERVAL = Duration.ofHours(1);
    private static final Duration MIN_TIMEOUT = Duration.ofMillis(10);
    private static final Duration MAX_TIMEOUT = Duration.ofSeconds(10);
    private static final int DEFAULT_RISE = 2;
    private static final int DEFAULT_FALL = 3;
    private static final int MOST = 100;

    /** What the annotations ask for; null for no check. */
    static @Nullable HealthCheck read(Map<String, String> annotations, List<String> warnings) {
        String said = annotations.get(CHECK);
        if (said == null) {
            ANNOTATIONS.stream().filter(annotations::containsKey)
                    .forEach(name -> warnings.add(name + " has no effect without " + CHECK));
            return null;
        }
        String kind = said.strip();
        String path = kind.startsWith(HTTP) ? kind.substring(HTTP.length()) : null;
        if (path == null ? !kind.equals("tcp") : !PATH.matcher(path).matches()) {
            warnings.add(CHECK + ": '" + said + "' is neither tcp nor http: with a path, as http:/healthz; nothing is"
                    + " checked");
            return null;
        }
        Duration interval = time(INTERVAL, annotations.get(INTERVAL), DEFAULT_INTERVAL, MIN_INTERVAL, MAX_INTERVAL,
                "1s to 1h", warnings);
        Duration timeout = time(TIMEOUT, annotations.get(TIMEOUT), DEFAULT_TIMEOUT, MIN_TIMEOUT, MAX_TIMEOUT,
                "10ms to 10s", warnings);
        if (timeout.compareTo(interval) > 0) {
            warnings.add(TIMEOUT + ": a check may not take longer than " + INTERVAL + ", " + text(interval)
                    + ", which holds");
            timeout = interval;
        }
        return new HealthCheck(path, interval, timeout, number(RISE, annotations.get(RISE), DEFAULT_RISE, warnings),
                number(FALL, annotations.get(FALL), DEFAULT_FALL, warnings));
    }

    private static Duration time(String name, @Nullable String value, Duration otherwise, Duration least,
            Duration most, String range, List<String> warnings) {
        if (value == null) {
            return otherwise;
        }
        Duration duration = ServiceAnnotations.duration(value.strip());
        if (duration == null || duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
            warnings.add(name + ": '" + value + "' is not a time from " + range + "; the default, " + text(otherwise)
                    + ", holds");
            return otherwise;
        }
        return duration;
    }

    private static int number(String name, @Nullable String value, int otherwise, List<String> warnings) {
        if (value == null) {
            return otherwise;
        }
        String number = value.strip();
        if (!number.matches("[0-9]{1,3}") || Integer.parseInt(number) < 1 || Integer.parseInt(number) > MOST) {
            warnings.add(name + ": '" + value + "' is not a number from 1 to " + MOST + "; the default, " + otherwise
                    + ", holds");
            return otherwise;
        }
        return Integer.parseInt(number);
    }

    /** As the annotation has it: {@code tcp} or {@code http:/healthz}. */
    public String kind() {
        return path == null ? "tcp" : HTTP + path;
    }

    /** One line for a person. */
    public String describe() {
        return kind() + " every " + text(interval) + ", timeout " + text(timeout) + ", rise " + rise + ", fall " + fall;
    }

    private static String text(Duration time) {
        return time.toMillis() % 1000 == 0 ? time.toSeconds() + "s" : time.toMillis() + "ms";
    }
}
