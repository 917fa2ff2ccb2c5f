package io.sluice.admin;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.metrics.EndpointFailure;
import io.sluice.metrics.EndpointMeters;
import io.sluice.metrics.PortMeters;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of the live page, and what its stream says of a daemon. */
class LivePageTest extends ServedAdmin {

    private static final Pattern ASSET = Pattern.compile("(?:src|href|from) ?[=]? ?[\"'](\\./|/assets/)([\\w.]+)[\"']");

    @Test
    void the_page_has_no_code_of_its_own_and_allows_none() throws Exception {
        start();
        HttpResponse<String> page = get("/");

        assertThat(page.statusCode()).isEqualTo(200);
        assertThat(page.headers().firstValue("Content-Type")).hasValue("text/html; charset=utf-8");
        assertThat(page.headers().firstValue("Content-Security-Policy").orElseThrow())
                .startsWith("default-src 'none'; script-src 'self'; style-src 'self';").doesNotContain("unsafe");
        assertThat(page.body()).doesNotContainPattern("<script[^>]*>[^<]").doesNotContain("<style", " style=")
                .doesNotContainPattern("\\son\\w+=");
    }

    @ParameterizedTest
    @ValueSource(strings = {"/", "/assets/page.js", "/assets/detail.js"})
    void every_file_that_is_named_is_served(String file) throws Exception {
        start();
        List<String> named = ASSET.matcher(get(file).body()).results().map(found -> found.group(2)).toList();
        assertThat(named).isNotEmpty();
        for (String name : named) {
            HttpResponse<String> asset = get("/assets/" + name);
            assertThat(asset.statusCode()).as(name).isEqualTo(200);
            assertThat(asset.headers().firstValue("Content-Type").orElseThrow()).as(name)
                    .containsPattern(name.endsWith("js") ? "javascript" : name.endsWith("css") ? "css" : "svg");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"page.js", "detail.js", "list.js", "stream.js", "dom.js"})
    void no_script_makes_markup_of_text(String name) throws Exception {
        start();
        assertThat(get("/assets/" + name).body()).doesNotContain("innerHTML", "outerHTML", "insertAdjacentHTML",
                "document.write", "eval(", "new Function", "DOMParser", "createContextualFragment");
    }

    @Test
    void the_stream_says_how_each_service_does() throws Exception {
        ready();
        PortMeters port = metrics.port(new ServicePortName(new ServiceName("default", "kubia"), "http", Protocol.TCP));
        port.accepted();
        EndpointMeters endpoint = port.endpoint(new EndpointAddress(IpAddresses.parse("10.1.0.3"), 8080));
        endpoint.connected(1 << 20);
        endpoint.connectFailed(EndpointFailure.REFUSED);
        start();
        List<String> lines = stream(12);

        assertThat(lines).contains("event: begin").anySatisfy(line -> assertThat(line)
                .contains("\"failedListeners\":[{\"namespace\":\"default\",\"service\":\"kubia\"",
                        "\"node\":\"node-a\""));
        assertThat(lines).anySatisfy(line -> assertThat(line).startsWith("data: [{\"id\":0,").contains(
                "\"name\":\"kubia\",\"type\":\"NodePort\",\"addresses\":\"10.96.0.1, fd00::1\"",
                "\"why\":\"in use by another program\"", "\"why\":\"selector app=nobody matches 0 of 0 pods\"",
                "\"addresses\":\"api.example.com\""));
        assertThat(lines).contains("data: [[0,\"failed\",6,8,0,0,1,0,0,1.18,1.18,null,null],"
                + "[1,\"empty\",0,0,0,0,0,0,0,null,null,null,null],[2,\"none\",0,0,0,0,0,0,0,null,null,null,null]]");
    }

    @Test
    void before_the_first_snapshot_the_stream_says_that_nothing_is_known() throws Exception {
        start();
        assertThat(stream(8)).anySatisfy(line -> assertThat(line).contains("\"applied\":false"))
                .contains("event: tick", "data: {\"open\":0,\"rate\":0,\"bytes\":0}");
    }

    @Test
    void a_fifth_page_is_refused_with_a_reason() throws Exception {
        ready();
        start();
        List<InputStream> open = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            InputStream page = open();
            assertThat(page.read()).isPositive();
            open.add(page);
        }
        HttpResponse<String> refused = get("/api/v1/live");
        assertThat(refused.statusCode()).isEqualTo(503);
        assertThat(refused.body()).contains("4 pages are open already");
        for (InputStream page : open) {
            page.close();
        }
    }

    private InputStream open() throws Exception {
        URI uri = URI.create("http://127.0.0.1:" + admin.metricsAddress().orElseThrow().getPort() + "/api/v1/live");
        return client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofInputStream()).body();
    }

    /** The first lines of the stream. */
    private List<String> stream(int count) throws Exception {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(open(), StandardCharsets.UTF_8))) {
            List<String> read = new ArrayList<>();
            while (read.size() < count) {
                read.add(lines.readLine());
            }
            return read;
        }
    }
}
