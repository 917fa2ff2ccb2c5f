package io.sluice.it.node;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;

/** A network namespace of this test's own, with a name that nobody else has; gone when it is closed. */
final class NetworkNamespace implements Closeable {

    private static final int CLONE_NEWNET = 0x4000_0000;
    private static final int O_RDONLY = 0;
    private static final AtomicInteger NUMBER = new AtomicInteger();

    private final String name;

    private NetworkNamespace(String name) {
        this.name = name;
    }

    /** Why none can be made here; empty if one can. */
    static String whyNot() throws IOException, InterruptedException {
        if (!System.getProperty("os.name").equals("Linux")) {
            return "network namespaces are Linux's";
        }
        if (!"root".equals(System.getProperty("user.name"))) {
            return "network namespaces are made by root only";
        }
        try {
            create("try").close();
            return "";
        } catch (IOException e) {
            return "network namespaces cannot be made here: " + e.getMessage();
        }
    }

    /** One with loopback up and nothing else. */
    static NetworkNamespace create(String role) throws IOException, InterruptedException {
        String name = "sl" + ProcessHandle.current().pid() + "-" + NUMBER.incrementAndGet() + role;
        command(List.of("ip", "netns", "add", name));
        NetworkNamespace namespace = new NetworkNamespace(name);
        try {
            namespace.ip("link set lo up");
            return namespace;
        } catch (IOException e) {
            namespace.close();
            throw e;
        }
    }

    String name() {
        return name;
    }

    /** Joins this and {@code other} by a pair of virtual cables. */
    void cable(String mine, NetworkNamespace other, String theirs) throws IOException, InterruptedException {
        ip("link add " + mine + " type veth peer name " + theirs + " netns " + other.name);
    }

    /**
     * Joins this and {@code other}, of which it becomes the default gateway: 10.50.N.1 and 10.50.N.2, fd50:N::1 and fd50:N::2.
     */
    void join(String mine, NetworkNamespace other, int number) throws IOException, InterruptedException {
        cable(mine, other, "eth0");
        ip("addr add 10.50." + number + ".1/24 dev " + mine,
                "addr add fd50:" + number + "::1/64 dev " + mine + " nodad", "link set " + mine + " up");
        other.ip("addr add 10.50." + number + ".2/24 dev eth0",
                "addr add fd50:" + number + "::2/64 dev eth0 nodad", "link set eth0 up",
                "route add default via 10.50." + number + ".1", "-6 route add default via fd50:" + number + "::1");
    }

    /** {@code ip} with each of {@code arguments} in turn; what it prints. */
    String ip(String... arguments) throws IOException, InterruptedException {
        StringBuilder out = new StringBuilder();
        for (String each : arguments) {
            List<String> words = new ArrayList<>(List.of("ip", "-n", name));
            words.addAll(List.of(each.split(" ", -1)));
            out.append(command(words));
        }
        return out.toString();
    }

    /** What {@code command} prints when it runs inside. */
    String run(String... command) throws IOException, InterruptedException {
        List<String> words = new ArrayList<>(List.of("ip", "netns", "exec", name));
        words.addAll(List.of(command));
        return command(words);
    }

    /** Addresses, routes and listening sockets, for comparison; link-local ones come when they are ready. */
    String state() throws IOException, InterruptedException {
        return (ip("-br addr show", "-4 route show table all", "-6 route show table all")
                + run("ss", "-Hltn")).replaceAll("\\s*fe80::\\S+/64", "").lines()
                .filter(line -> !line.startsWith("local fe80:")).collect(Collectors.joining("\n"));
    }

    /** The answer of {@code GET /} of an HTTP server, asked from inside. */
    String ask(String address, int port) throws Exception {
        return ask(address, port, "/");
    }

    /** The same of {@code GET} of a path. */
    String ask(String address, int port, String path) throws Exception {
        return inside(() -> {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress(address, port), 10_000);
                socket.setSoTimeout(10_000);
                socket.getOutputStream()
                        .write(("GET " + path + " HTTP/1.0\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
                String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
                return answer.substring(answer.indexOf("\r\n\r\n") + 4);
            }
        });
    }

    /**
     * Calls {@code action} on a thread whose sockets belong to this namespace. It must not start threads, and no virtual ones
     * above all: what carries them would belong to this namespace for as long as this process lives.
     */
    <T> T inside(Callable<T> action) throws Exception {
        FutureTask<T> task = new FutureTask<>(() -> {
            enter();
            return action.call();
        });
        Thread.ofPlatform().daemon().start(task);
        try {
            return task.get(60, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof Exception cause) {
                throw cause;
            }
            throw e;
        }
    }

    @SuppressWarnings("restricted") // the functions have these signatures: open(2), setns(2), close(2)
    private void enter() throws IOException {
        Linker linker = Linker.nativeLinker();
        MethodHandle open = linker.downcallHandle(linker.defaultLookup().find("open").orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.JAVA_INT),
                Linker.Option.firstVariadicArg(2));
        MethodHandle setns = linker.downcallHandle(linker.defaultLookup().find("setns").orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
        MethodHandle close = linker.downcallHandle(linker.defaultLookup().find("close").orElseThrow(),
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
        try (Arena arena = Arena.ofConfined()) {
            int fd = (int) open.invokeExact(arena.allocateFrom("/var/run/netns/" + name), O_RDONLY);
            int entered = (int) setns.invokeExact(fd, CLONE_NEWNET);
            int closed = (int) close.invokeExact(fd);
            if (entered != 0 || closed != 0) {
                throw new IOException("the namespace " + name + " cannot be entered");
            }
        } catch (IOException e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws IOException {
        try {
            command(List.of("ip", "netns", "del", name));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static String command(List<String> words) throws IOException, InterruptedException {
        Path out = Files.createTempFile("sluice-it", ".out");
        try {
            Process process = new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(out.toFile()).start();
            try (InputStream none = process.getInputStream()) {
                none.readAllBytes();
            }
            if (process.waitFor() != 0) {
                throw new IOException(String.join(" ", words) + ": " + Files.readString(out).strip());
            }
            return Files.readString(out);
        } finally {
            Files.delete(out);
        }
    }
}
