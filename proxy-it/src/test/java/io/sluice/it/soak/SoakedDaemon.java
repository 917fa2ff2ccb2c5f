package io.sluice.it.soak;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.it.testbed.Backend;
import io.sluice.it.testbed.Manifests;
import io.sluice.it.testbed.SluiceProcess;
import io.sluice.proxy.Transport;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.concurrent.Semaphore;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * The daemon with the Service of the checked load, a Service of bulk that may be treated badly, and what faults need to
 * reach them.
 */
final class SoakedDaemon implements Closeable {

    /** The Service of {@link CheckedLoad}. */
    private static final String CHECKED = "checked";
    private static final String BULK = "bulk";
    private static final String EDITED = "edited.yaml";
    private static final int CHURNED = 20;

    private final SluiceProcess sluice = new SluiceProcess().remembering(SoakedDaemon::worthRemembering);
    private final Failures failures;
    private final SortedSet<String> endpoints = new TreeSet<>();
    private final Semaphore mayRun = new Semaphore(1);

    SoakedDaemon(Transport transport, CheckedLoad load, Failures failures) throws IOException {
        this.failures = failures;
        for (int i = 1; i <= 3; i++) {
            sluice.with(load.endpoint(sluice.ip(i)));
        }
        sluice.with(Backend.at(sluice.ip(4), SoakedDaemon::writeForever));
        sluice.service(BULK, sluice.ip(4));
        endpoints.addAll(List.of(sluice.ip(1), sluice.ip(2)));
        sluice.service(CHECKED, sluice.ip(1), sluice.ip(2));
        mend();
        sluice.run("--access-log", "--transport", transport.name().toLowerCase(Locale.ROOT));
    }

    /** Not the lines of connections and changes: there are millions in an hour. */
    private static boolean worthRemembering(String line) {
        return !line.contains(" INFO ") || line.contains("Serving ") || line.contains("started on");
    }

    private static void writeForever(Socket socket) throws IOException {
        byte[] bytes = new byte[64 * 1024];
        while (true) {
            socket.getOutputStream().write(bytes);
        }
    }

    SluiceProcess process() {
        return sluice;
    }

    Failures failures() {
        return failures;
    }

    InetSocketAddress checked() {
        return sluice.address(CHECKED);
    }

    /** Connections to it get bytes for as long as they like. */
    InetSocketAddress bulk() {
        return sluice.address(BULK);
    }

    /** An endpoint that serves the checked load whether or not its Service has it. */
    String spareEndpoint() {
        return sluice.ip(3);
    }

    /** An address at which nobody listens. */
    String refusingEndpoint() {
        return sluice.ip(5);
    }

    synchronized void addEndpoint(String ip) throws IOException {
        endpoints.add(ip);
        sluice.service(CHECKED, endpoints.toArray(String[]::new));
    }

    synchronized void removeEndpoint(String ip) throws IOException {
        endpoints.remove(ip);
        sluice.service(CHECKED, endpoints.toArray(String[]::new));
    }

    /** Services that come and go; each has an address of its own. */
    List<String> churned() {
        return IntStream.range(0, CHURNED).mapToObj(i -> "churned-" + i)
                .filter(name -> !sluice.address(name).equals(checked()) && !sluice.address(name).equals(bulk()))
                .toList();
    }

    void breakEdit() throws IOException {
        sluice.manifests().edit(EDITED,
                Manifests.service("edited", sluice.ip(1)).replace("port: 80}", "port: eighty}"));
    }

    void mend() throws IOException {
        sluice.manifests().edit(EDITED, Manifests.service("edited", sluice.ip(1)));
    }

    /** No probe is under way while the process is stopped. */
    void stop() throws IOException, InterruptedException {
        mayRun.acquire();
        sluice.signal("STOP");
    }

    void goOn() throws IOException {
        sluice.signal("CONT");
        mayRun.release();
    }

    /** Fails unless the liveness probe is answered with 200. */
    void probe() throws IOException, InterruptedException {
        mayRun.acquire();
        try {
            assertThat(sluice.health("/livez")).startsWith("200 ");
        } finally {
            mayRun.release();
        }
    }

    /** The number that {@code /metrics} has for {@code name}. */
    double metric(String name) throws IOException {
        Matcher metric = Pattern.compile("\n" + name + " (\\S+)\n").matcher(sluice.admin("/metrics"));
        assertThat(metric.find()).as(name).isTrue();
        return Double.parseDouble(metric.group(1));
    }

    /** What the process has in memory, in MiB. */
    long residentMebibytes() throws IOException {
        return Files.readAllLines(Path.of("/proc/" + sluice.pid() + "/status")).stream()
                .filter(line -> line.startsWith("VmRSS:")).mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                .findFirst().orElseThrow() / 1024;
    }

    @Override
    public void close() throws IOException {
        sluice.close();
    }
}
