package io.sluice.source.manifest;

import io.sluice.source.probe.ReadinessProbe;
import io.sluice.source.probe.ReadinessProbe.Action;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads readiness probes, with the defaults and the checks of the API server. */
final class ProbeReader {

    /** The longest delay, period and timeout: a day. */
    private static final int LONGEST_SECONDS = 24 * 60 * 60;
    private static final int MOST = 1_000;
    private static final int DEFAULT_PERIOD_SECONDS = 10;
    private static final int DEFAULT_FAILURES = 3;

    private ProbeReader() {}

    /** The probe of the first container that has one: one process plays the whole Pod. Null if none has one. */
    static @Nullable ReadinessProbe first(Field spec) throws InvalidFieldException {
        for (Field container : spec.get("containers").elements()) {
            Field probe = container.get("readinessProbe");
            if (probe.present()) {
                return read(probe, container);
            }
        }
        return null;
    }

    private static ReadinessProbe read(Field probe, Field container) throws InvalidFieldException {
        return new ReadinessProbe(action(probe, container), seconds(probe, "initialDelaySeconds", 0, 0),
                seconds(probe, "periodSeconds", 1, DEFAULT_PERIOD_SECONDS), seconds(probe, "timeoutSeconds", 1, 1),
                probe.get("successThreshold").integer(1, MOST, 1),
                probe.get("failureThreshold").integer(1, MOST, DEFAULT_FAILURES));
    }

    private static Duration seconds(Field probe, String key, int min, int otherwise) throws InvalidFieldException {
        return Duration.ofSeconds(probe.get(key).integer(min, LONGEST_SECONDS, otherwise));
    }

    /** A probe by gRPC asks no more than whether its port accepts connections: there is no client for its protocol here. */
    private static Action action(Field probe, Field container) throws InvalidFieldException {
        Field http = probe.get("httpGet");
        Field tcp = probe.get("tcpSocket");
        Field exec = probe.get("exec");
        Field grpc = probe.get("grpc");
        List<Field> given = new ArrayList<>();
        for (Field one : List.of(http, tcp, exec, grpc)) {
            if (one.present()) {
                given.add(one);
            }
        }
        if (given.size() != 1) {
            throw probe.invalid("needs exactly one of httpGet, tcpSocket, exec and grpc");
        }
        if (exec.present()) {
            List<String> command = new ArrayList<>();
            for (Field word : exec.get("command").elements()) {
                command.add(word.text(""));
            }
            if (command.isEmpty()) {
                throw exec.get("command").invalid("is missing");
            }
            return new Action.Exec(command);
        }
        if (!http.present()) {
            return new Action.TcpSocket(port(given.getFirst().get("port"), container));
        }
        String scheme = http.get("scheme").text("HTTP");
        if (!scheme.equals("HTTP") && !scheme.equals("HTTPS")) {
            throw http.get("scheme").invalid("'" + scheme + "' must be HTTP or HTTPS");
        }
        String path = http.get("path").text("/");
        Map<String, String> headers = new LinkedHashMap<>();
        for (Field header : http.get("httpHeaders").elements()) {
            headers.put(header.get("name").text(""), header.get("value").text(""));
        }
        return new Action.HttpGet(scheme.toLowerCase(Locale.ROOT), path.startsWith("/") ? path : "/" + path,
                port(http.get("port"), container), headers);
    }

    private static int port(Field port, Field container) throws InvalidFieldException {
        if (!port.present() || port.isNumber()) {
            return FieldRules.port(port);
        }
        String name = port.text("");
        for (Field candidate : container.get("ports").elements()) {
            if (candidate.get("name").text("").equals(name)) {
                return FieldRules.port(candidate.get("containerPort"));
            }
        }
        throw port.invalid("'" + name + "' is not a port of the container");
    }
}
