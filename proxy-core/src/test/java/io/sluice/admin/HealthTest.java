package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.liveness.Stall;
import io.sluice.liveness.ThreadKind;
import io.sluice.reconcile.AppliedState;
import io.sluice.service.ServiceName;
import java.net.http.HttpResponse;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** What health checks answer: {@code /healthz} and {@code /livez} as kube-proxy does, {@code /readyz} with reasons. */
class HealthTest extends ServedAdmin {

    @ParameterizedTest(name = "waiting for {0} s, node eligible {1}: healthz {2}, livez {3}")
    @CsvSource({", true, 200, 200", "60, true, 200, 200", "61, true, 503, 503", ", false, 503, 200",
            "61, false, 503, 503"})
    void health_is_kube_proxys(Integer waiting, boolean eligible, int healthz, int livez) throws Exception {
        daemon.applied = ScriptedDaemon.threeServices();
        daemon.waitingSince = waiting == null ? null : NOW.minusSeconds(waiting);
        daemon.nodeEligible = eligible;
        start();
        HttpResponse<String> health = get("/healthz");
        HttpResponse<String> live = get("/livez");

        String updated = livez == 200 ? "2026-11-23T12:00:00Z" : "2026-11-23T10:00:00Z";
        assertThat(health.statusCode()).isEqualTo(healthz);
        assertThat(health.body()).isEqualTo("{\"lastUpdated\":\"" + updated
                + "\",\"currentTime\":\"2026-11-23T12:00:00Z\",\"nodeEligible\":" + eligible + "}\n");
        assertThat(live.statusCode()).isEqualTo(livez);
        assertThat(live.body()).isEqualTo(
                "{\"lastUpdated\":\"" + updated + "\",\"currentTime\":\"2026-11-23T12:00:00Z\"}\n");
        assertThat(get("/metrics").body()).contains("kubeproxy_proxy_healthz_total{code=\"" + healthz + "\"} 1.0",
                "kubeproxy_proxy_livez_total{code=\"" + livez + "\"} 1.0");
    }

    @ParameterizedTest(name = "{0}, waiting for {1}, ended {2}: {3}")
    @CsvSource({"EVENT_LOOP, , false, 503", "CONTROL, , false, 503", "SOURCE, , false, 503",
            "SOURCE, /manifests/a.yaml, false, 200", "SOURCE, , true, 503"})
    void a_stalled_thread_that_a_restart_would_help_fails_healthz_and_livez_and_is_named(ThreadKind kind,
            @Nullable String waitsFor, boolean ended, int code) throws Exception {
        daemon.applied = ScriptedDaemon.threeServices();
        daemon.stalls = List.of(new Stall(kind, "sluice-x", NOW.minusSeconds(31), waitsFor, ended));
        start();
        String named = code == 200
                ? ""
                : ",\"stalled\":[{\"thread\":\"sluice-x\",\"since\":\"2026-11-23T11:59:29Z\",\"ended\":" + ended + "}]";
        for (String path : List.of("/livez", "/healthz")) {
            HttpResponse<String> answer = get(path);
            assertThat(answer.statusCode()).as(path).isEqualTo(code);
            assertThat(answer.body()).as(path).endsWith(named + "}\n");
        }
    }

    @Test
    void while_starting_it_is_healthy_but_not_ready() throws Exception {
        start();
        assertThat(get("/healthz").statusCode()).isEqualTo(200);
        assertThat(get("/livez").statusCode()).isEqualTo(200);
        assertThat(get("/readyz").statusCode()).isEqualTo(503);
        assertThat(json(get("/api/v1/services")).get("services").size()).isZero();
    }

    @ParameterizedTest(name = "synced {0}, applied {1}, draining {2}: {3}")
    @CsvSource({"false, false, false, 503", "true, false, false, 503", "false, true, false, 503",
            "true, true, false, 200", "true, true, true, 503"})
    void ready_once_synced_and_applied_until_it_drains(boolean synced, boolean applied, boolean draining, int status)
            throws Exception {
        daemon.freshness = synced ? ScriptedDaemon.FRESH : daemon.freshness;
        daemon.applied = applied ? ScriptedDaemon.threeServices() : null;
        daemon.draining = draining;
        start();
        HttpResponse<String> got = get("/readyz");

        assertThat(got.statusCode()).isEqualTo(status);
        JsonNode body = json(got);
        assertThat(body.get("ready").asBoolean()).isEqualTo(status == 200);
        assertThat(body.get("synced").asBoolean()).isEqualTo(synced);
        assertThat(body.get("applied").asBoolean()).isEqualTo(applied);
        assertThat(body.get("draining").asBoolean()).isEqualTo(draining);
    }

    @ParameterizedTest(name = "{1} while a successor gets ready, {0}: {3}")
    @CsvSource({"true, kube-probe/1.34, /readyz, 503", "true, curl/8.5, /readyz, 200",
            "true, kube-probe/1.34, /livez, 200",
            "true, kube-probe/1.34, /healthz, 200", "false, kube-probe/1.34, /readyz, 200"})
    void kubelet_alone_is_told_of_a_successor_that_gets_ready(boolean awaited, String userAgent, String path,
            int status)
            throws Exception {
        ready();
        daemon.successorAwaited = awaited;
        start();
        HttpResponse<String> got = send(request(path).header("User-Agent", userAgent));
        assertThat(got.statusCode()).isEqualTo(status);
        if (path.equals("/readyz")) {
            assertThat(json(got).get("ready").asBoolean()).isEqualTo(status == 200);
            assertThat(json(got).get("successorAwaited").asBoolean()).isEqualTo(awaited);
        }
    }

    @Test
    void what_is_odd_about_endpoints_is_a_problem() throws Exception {
        ready();
        AppliedState plain = ScriptedDaemon.threeServices();
        daemon.applied = new AppliedState(plain.snapshot(), plain.appliedAt(), plain.took(), plain.ports(),
                List.of(new AppliedState.Warning(new ServiceName("default", "kubia"), "has an odd endpoint")));
        start();
        assertThat(json(get("/readyz")).get("problems")).isEqualTo(json("""
                [{"severity": "Warning", "location": "endpoints", "subject": "default/kubia",
                  "message": "has an odd endpoint"}]"""));
    }

    @Test
    void a_broken_edit_leaves_it_ready_and_is_told() throws Exception {
        ready();
        daemon.freshness = ScriptedDaemon.BROKEN;
        start();
        HttpResponse<String> got = get("/readyz");

        assertThat(got.statusCode()).isEqualTo(200);
        assertThat(json(got)).isEqualTo(json("""
                {"ready": true, "successorAwaited": false, "synced": true, "applied": true, "draining": false, "current": false,
                 "asOf": "2026-11-23T10:00:00Z", "detail": "an edit is broken",
                 "problems": [{"severity": "Error", "location": "svc.yaml:7",
                               "subject": "Service default/kubia spec.ports[0].port",
                               "message": "must be between 1 and 65535"}],
                 "resources": [],
                 "failedListeners": [{"namespace": "default", "service": "kubia", "port": "http",
                                      "address": "127.0.0.1:30080", "kind": "NodePort",
                                      "problem": "in use by another program"}],
                 "version": "1.2.3"}"""));
        assertThat(get("/metrics").body()).contains("sluice_source_current 0.0", "sluice_source_synced 1.0",
                "sluice_source_problems{severity=\"error\"} 1.0", "sluice_source_problems{severity=\"warning\"} 0.0",
                "sluice_source_last_good_timestamp_seconds 1.795428E9", "sluice_listeners{status=\"listening\"} 2.0",
                "sluice_listeners{status=\"no_endpoints\"} 1.0", "sluice_listeners{status=\"failed\"} 1.0",
                "sluice_services 3.0", "sluice_service_ports_empty 1.0");
    }

    @Test
    void what_is_watched_is_told_with_its_age() throws Exception {
        ready();
        daemon.freshness = ScriptedDaemon.CLUSTER;
        start();
        JsonNode resources = json(get("/readyz")).get("resources");

        assertThat(resources.get(0).get("ageSeconds").isNumber()).isTrue();
        assertThat(resources.get(0).get("watch").asString()).isEqualTo("Watching");
        assertThat(resources.get(0).has("problem")).isFalse();
        assertThat(resources.get(1).get("watch").asString()).isEqualTo("Waiting");
        assertThat(resources.get(1).get("resourceVersion").asString()).isEqualTo("1230");
        assertThat(resources.get(1).get("problem").asString()).isEqualTo("cannot be reached");
    }
}
