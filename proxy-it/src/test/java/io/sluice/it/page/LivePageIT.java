package io.sluice.it.page;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sluice.it.testbed.Chromium;
import io.sluice.it.testbed.HttpClientConnection;
import io.sluice.it.testbed.Pod;
import io.sluice.it.testbed.SluiceProcess;
import java.io.IOException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The live page in Chromium, over a daemon of its own. */
class LivePageIT {

    private static final String ROWS = "document.querySelectorAll('#rows .row').length";
    private static final String TEXT = "document.body.innerText";

    private static Chromium chromium;

    private final SluiceProcess sluice = new SluiceProcess();

    @BeforeAll
    static void startChromium() throws IOException, InterruptedException {
        assumeTrue(Chromium.program().isPresent(), "Chromium is not installed");
        chromium = new Chromium();
    }

    @AfterAll
    static void endChromium() throws IOException {
        if (chromium != null) {
            chromium.close();
        }
    }

    @AfterEach
    void end() throws IOException {
        chromium.open("about:blank");
        sluice.close();
    }

    @Test
    void services_are_shown_as_they_are_and_as_they_become() throws Exception {
        sluice.service("shop", sluice.with(Pod.at(sluice.ip(1), "shop-1")).ip(), sluice.ip(2));
        sluice.service("empty");
        page(1400, 900);
        chromium.awaitTrue(row("shop") + ".innerText.includes('2 of 2')")
                .awaitTrue(row("empty") + ".innerText.includes('no endpoint')").awaitTrue(TEXT + ".includes('Live')");

        for (int i = 0; i < 8; i++) {
            HttpClientConnection.hit(sluice.address("shop"));
        }
        chromium.awaitTrue(row("shop") + ".innerText.includes('1 ejected')")
                .awaitTrue(row("shop") + ".innerText.includes(' ms')");
        sluice.service("later");
        chromium.awaitTrue(row("later") + " !== undefined");
        sluice.manifests().delete("later.yaml");
        chromium.awaitTrue(row("later") + " === undefined");

        chromium.value("document.getElementById('trouble').value = 'trouble', "
                + "document.getElementById('trouble').dispatchEvent(new Event('change'))");
        chromium.awaitTrue(ROWS + " === 2");
        chromium.value("document.getElementById('search').value = 'shop', "
                + "document.getElementById('search').dispatchEvent(new Event('input'))");
        chromium.awaitTrue(ROWS + " === 1");
    }

    @Test
    void a_service_opens_to_its_endpoints_its_changes_and_an_explanation() throws Exception {
        sluice.service("shop", sluice.with(Pod.at(sluice.ip(1), "shop-1")).ip(), sluice.ip(2));
        page(1400, 900);
        chromium.awaitTrue(row("shop") + " !== undefined");
        sluice.service("shop", sluice.ip(1), sluice.ip(3));
        chromium.value(row("shop") + ".querySelector('a').click()");

        String detail = "document.getElementById('detail').innerText";
        chromium.awaitTrue(detail + ".includes('" + sluice.ip(1) + ":8080')")
                .awaitTrue(detail + ".includes('EndpointAdded')");
        chromium.value("document.querySelector('.ask input').value = '10.0.0.9', "
                + "document.querySelector('.ask button').click()");
        chromium.awaitTrue(detail + ".includes('✓ " + sluice.ip(1) + ":8080')");
        HttpClientConnection open = sluice.with(new HttpClientConnection(sluice.address("shop")));
        open.ask();
        chromium.value("document.querySelector('#detail summary').click()");
        chromium.awaitTrue(detail + ".includes('1 open')").awaitTrue(detail + ".includes('established')");
        chromium.value("document.querySelector('.ask input').value = 'nonsense', "
                + "document.querySelector('.ask button').click()");
        chromium.awaitTrue(detail + ".includes('nonsense')");
    }

    @Test
    void what_comes_from_outside_is_text() throws Exception {
        sluice.manifests().replace("evil.yaml", """
                apiVersion: v1
                kind: Service
                metadata:
                  name: evil
                  annotations: {sluice.io/balancer: "<img src=x onerror=document.title='pwned'>"}
                spec: {ports: [{port: 80, targetPort: 8080}]}
                ---
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: evil, labels: {kubernetes.io/service-name: evil}}
                addressType: IPv4
                ports: [{port: 8080}]
                endpoints:
                - {addresses: [%s], nodeName: "<svg onload=document.title='pwned'>", targetRef: {kind: Pod, name: "<i>pod"}}
                """.formatted(sluice.ip(1)));
        page(1400, 900);
        chromium.awaitTrue(TEXT + ".includes(\"<img src=x onerror=document.title='pwned'>\")");
        chromium.awaitTrue(row("evil") + " !== undefined");
        chromium.value(row("evil") + ".querySelector('a').click()");
        chromium.awaitTrue("document.getElementById('detail').innerText.includes('<i>pod')")
                .awaitTrue("document.getElementById('detail').innerText.includes('<svg onload=')");

        assertThat(chromium.value("document.title")).startsWith("sluice");
        assertThat(chromium.value("document.querySelectorAll('img, svg:not(.spark), i:not(.bar i)').length"))
                .isEqualTo("0");
        chromium.value("(() => { const s = document.createElement('script'); s.textContent = 'document.title = 1';"
                + " document.head.append(s); })()");
        assertThat(chromium.value("document.title")).as("an inline script is not run").startsWith("sluice");
    }

    @ParameterizedTest(name = "{0} px")
    @ValueSource(ints = {320, 390, 768, 1280, 2560})
    void no_width_scrolls_sideways(int width) throws Exception {
        sluice.service("a-name-that-is-longer-than-names-of-services-are-in-practice", sluice.ip(1));
        sluice.service("empty");
        page(width, 800);
        chromium.awaitTrue(ROWS + " === 2");
        assertThat(chromium.value("document.documentElement.scrollWidth")).isEqualTo(Integer.toString(width));
        chromium.value("document.querySelector('#rows a').click()");
        chromium.awaitTrue("document.querySelectorAll('#detail table').length > 0");
        assertThat(chromium.value("document.documentElement.scrollWidth")).isEqualTo(Integer.toString(width));
    }

    @ParameterizedTest(name = "{0} Services")
    @CsvSource({"500", "10000"})
    void of_many_services_only_those_that_can_be_seen_are_in_the_document(int count) throws Exception {
        sluice.manifests().replace("many.yaml", IntStream.range(0, count).mapToObj(i -> """
                apiVersion: v1
                kind: Service
                metadata: {name: svc-%05d, namespace: team-%02d}
                spec: {ports: [{port: 80}]}
                """.formatted(i, i % 20)).collect(Collectors.joining("---\n")));
        page(1400, 900);
        chromium.awaitTrue(
                "document.getElementById('services').getAttribute('aria-rowcount') === '" + (count + 1) + "'");
        assertThat(Integer.parseInt(chromium.value(ROWS))).isBetween(10, 80);

        chromium.value("document.querySelector('#rows a').focus()");
        chromium.press("ArrowDown").press("ArrowDown");
        chromium.awaitTrue("document.activeElement.closest('.row').getAttribute('aria-rowindex') === '4'");
        chromium.press("End");
        chromium.awaitTrue("document.activeElement.closest('.row').getAttribute('aria-rowindex') === '" + (count + 1)
                + "'");
        assertThat(Integer.parseInt(chromium.value(ROWS))).isBetween(10, 80);
        chromium.press("/");
        chromium.awaitTrue("document.activeElement.id === 'search'");
        chromium.value("document.getElementById('search').value = 'svc-00123', "
                + "document.getElementById('search').dispatchEvent(new Event('input'))");
        chromium.awaitTrue(ROWS + " === 1");
    }

    @Test
    void after_a_restart_the_page_goes_on() throws Exception {
        sluice.service("shop", sluice.ip(1));
        page(1400, 900);
        chromium.awaitTrue(row("shop") + " !== undefined");
        sluice.signal("KILL").exitCode();
        chromium.awaitTrue(TEXT + ".includes('trying again')");
        sluice.service("second", sluice.ip(2));
        start();
        chromium.awaitTrue(row("second") + " !== undefined").awaitTrue(ROWS + " === 2")
                .awaitTrue("document.getElementById('link').innerText === 'Live'");
    }

    /** The row of a Service; undefined if it is not shown. */
    private static String row(String service) {
        return "[...document.querySelectorAll('#rows .row')].find(row => row.querySelector('a').textContent === 'default/"
                + service + "')";
    }

    private void page(int width, int height) throws IOException {
        start();
        chromium.size(width, height).open("http://" + sluice.ip(40) + ":10249/");
        chromium.awaitTrue("document.getElementById('link')?.innerText === 'Live'");
    }

    /** At an address that stays the same. */
    private void start() throws IOException {
        String[] octets = sluice.ip(0).split("\\.", -1);
        sluice.command("run", "-f", sluice.manifests().directory().toString(), "--service-cidr",
                "127." + octets[1] + ".0.0/17", "--metrics-bind-address", sluice.ip(40) + ":10249",
                "--healthz-bind-address", "", "--eject-time", "20s", "--eject-max-time", "20s");
        sluice.awaitLine("started on");
    }
}
