package io.sluice.it.testbed;

import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.stream.Collectors;

/** The command in a process of its own, as a user or an init system starts it. Cluster IPs are in a range of its own. */
public final class SluiceProcess implements Closeable {

    private static final AtomicInteger NEXT = new AtomicInteger((int) (ProcessHandle.current().pid() * 37 % 20));
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final java.util.regex.Pattern URL = java.util.regex.Pattern
            .compile("Serving (.*) at http://([0-9.]+):([0-9]+)");

    private final int range = 80 + RunningSluice.FORK * 20 + NEXT.getAndIncrement() % 20;
    private final Manifests manifests = new Manifests();
    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final List<String> javaOptions = new ArrayList<>();
    private final Map<String, String> environment = new HashMap<>();
    private final List<Closeable> alsoClosed = new ArrayList<>();
    private Process process;
    private List<String> starter = List.of();
    private List<String> program = List.of();
    private volatile Gate reads = open();
    private Predicate<String> remembered = line -> true;

    /** Not started yet. */
    public SluiceProcess() {}

    public Manifests manifests() {
        return manifests;
    }

    /** Number {@code number} of the pods' addresses. */
    public String ip(int number) {
        return "127." + range + ".200." + (1 + number);
    }

    /** The address that {@code service} is given by {@link #service}. */
    public InetSocketAddress address(String service) {
        return new InetSocketAddress("127." + range + ".1." + (1 + Math.floorMod(service.hashCode(), 250)), 80);
    }

    /** Closed with the process. */
    public <T extends Closeable> T with(T resource) {
        alsoClosed.add(resource);
        return resource;
    }

    /** The options of the Java virtual machine that an image has, and these. */
    public SluiceProcess shippedJavaOptions(String... more) throws IOException {
        Files.readAllLines(Path.of("..", "proxy-cli", "src", "image", "options")).stream()
                .filter(option -> option.startsWith("-XX:") && !option.startsWith("-XX:AOT")).forEach(javaOptions::add);
        javaOptions.addAll(List.of(more));
        return this;
    }

    /** A variable for the process. */
    public SluiceProcess environment(String name, String value) {
        environment.put(name, value);
        return this;
    }

    /** A Service at {@link #address} with these endpoints at port 8080. */
    public SluiceProcess service(String name, String... endpoints) throws IOException {
        manifests.replace(name + ".yaml", """
                apiVersion: v1
                kind: Service
                metadata: {name: %s}
                spec: {clusterIP: %s, ports: [{port: 80}]}
                ---
                """.formatted(name, address(name).getAddress().getHostAddress())
                + Manifests.endpoints(name, endpoints));
        return this;
    }

    /** {@code sluice run} with these arguments besides manifests and addresses; returns when it has started. */
    public SluiceProcess run(String... arguments) throws IOException {
        return run(0, arguments);
    }

    /** The same under {@code ulimit -n openFiles}. */
    public SluiceProcess run(int openFiles, String... arguments) throws IOException {
        start(openFiles, arguments(arguments));
        awaitLine("started on");
        return this;
    }

    private List<String> arguments(String... more) {
        List<String> all = new ArrayList<>(List.of("run", "-f", manifests.directory().toString(), "--service-cidr",
                "127." + range + ".0.0/17", "--metrics-bind-address", "127.0.0.1:0", "--healthz-bind-address",
                "127.0.0.1:0"));
        all.addAll(List.of(more));
        return all;
    }

    /** The command with just these arguments. */
    public SluiceProcess command(String... arguments) throws IOException {
        start(0, List.of(arguments));
        return this;
    }

    /** The next start is made by this program, which gets the whole command as its arguments. */
    public SluiceProcess startedBy(String... program) {
        starter = List.of(program);
        return this;
    }

    /** The next start is made by the launcher of the distribution, in a folder with this class path as its jar. */
    public SluiceProcess startedByLauncher(Path folder) throws IOException {
        Files.copy(Path.of("..", "sluice"), folder.resolve("sluice"), StandardCopyOption.COPY_ATTRIBUTES);
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH,
                Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                        .map(entry -> Path.of(entry).toUri().toString()).collect(Collectors.joining(" ")));
        new JarOutputStream(Files.newOutputStream(folder.resolve("sluice.jar")), manifest).close();
        program = List.of(folder.resolve("sluice").toString());
        return this;
    }

    /** Of what is printed from the next start on, remembers only these lines: for who prints millions. */
    public SluiceProcess remembering(Predicate<String> wanted) {
        remembered = wanted;
        return this;
    }

    /** Reads no more of what is printed, until {@link #readOn}: the pipe between fills. */
    public void stopReading() {
        reads = new Gate();
    }

    /** Reads what is in the pipe and what comes. */
    public void readOn() {
        reads.open();
    }

    private static Gate open() {
        Gate gate = new Gate();
        gate.open();
        return gate;
    }

    private void start(int openFiles, List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>();
        if (System.getProperty("os.name").equals("Linux")) {
            // A shell starts background jobs with SIGINT ignored, nohup with SIGHUP, and a JVM leaves it at that.
            command.addAll(List.of("env", "--default-signal=HUP,INT,TERM"));
        }
        if (openFiles > 0) {
            command.addAll(List.of("bash", "-c", "ulimit -n " + openFiles + " && exec \"$@\"", "bash"));
        }
        command.addAll(starter);
        command.addAll(program.isEmpty() ? SluiceJava.command(javaOptions.toArray(String[]::new)) : program);
        command.addAll(arguments);
        ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
        builder.environment().put("JAVA25_HOME", System.getProperty("java.home"));
        builder.environment().keySet().removeIf(name -> name.startsWith("SLUICE_") || name.startsWith("JAVA_TOOL"));
        builder.environment().putAll(environment);
        lines.clear();
        process = builder.start();
        Thread.ofVirtual().name("log").start(() -> {
            try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
                for (String line = output.readLine(); line != null; line = output.readLine()) {
                    if (remembered.test(line)) {
                        lines.add(line);
                    }
                    reads.pass();
                }
            } catch (IOException e) {
                lines.add("the output cannot be read: " + e);
            }
        });
    }

    /** Starts it as {@link #run} does, but does not wait until it has started. */
    public SluiceProcess begin(String... arguments) throws IOException {
        start(0, arguments(arguments));
        return this;
    }

    /** Sends a signal, named without SIG. */
    public SluiceProcess signal(String name) throws IOException {
        new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).inheritIO().start().onExit().join();
        return this;
    }

    /** Waits for the exit and returns its code. */
    public int exitCode() throws InterruptedException {
        if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
            throw new AssertionError("the process has not ended; it has said " + lines);
        }
        return process.exitValue();
    }

    public boolean running() {
        return process.isAlive();
    }

    public long pid() {
        return process.pid();
    }

    /** Everything that the process that was started last has printed so far. */
    public List<String> lines() {
        return lines;
    }

    /** Waits for a line that contains {@code text}. */
    public void awaitLine(String text) {
        await("'" + text + "'").atMost(PATIENCE)
                .until(() -> lines.stream().anyMatch(line -> line.contains(text)) || !process.isAlive());
        if (lines.stream().noneMatch(line -> line.contains(text))) {
            throw new AssertionError("the process ended without saying '" + text + "': " + lines);
        }
    }

    /** Status and body of an answer at the metrics address. */
    public String admin(String path) throws IOException {
        return HttpClientConnection.get(serving("metrics"), path);
    }

    /** The same at the address of the health checks. */
    public String health(String path) throws IOException {
        return HttpClientConnection.get(serving("health"), path);
    }

    /** Where it serves {@code purpose}, as it has said. */
    public InetSocketAddress serving(String purpose) {
        for (String line : lines) {
            Matcher url = URL.matcher(line);
            if (url.find() && url.group(1).contains(purpose)) {
                return new InetSocketAddress(url.group(2), Integer.parseInt(url.group(3)));
            }
        }
        throw new AssertionError("where " + purpose + " is served was not said: " + lines);
    }

    @Override
    public void close() throws IOException {
        for (Closeable resource : alsoClosed) {
            resource.close();
        }
        if (process != null) {
            process.destroyForcibly();
            reads.open();
            process.onExit().join();
        }
        manifests.close();
    }
}
