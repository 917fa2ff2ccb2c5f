package io.sluice.it.node;

import com.sun.net.httpserver.HttpServer;
import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * A node with a pod network and a network outside, each machine a namespace of its own.
 *
 * <pre>
 * pods  a 10.244.0.11  b 10.244.0.12  client 10.244.0.20   (fd00:244::11 …)
 * node    10.244.0.1 on the pods' bridge, 192.168.77.2 on eth0 (fd00:77::2)
 * outside 192.168.77.9 (fd00:77::9), which sends what is for 203.0.113.0/24 to the node
 * </pre>
 */
final class TestNode implements Closeable {

    private final Deque<Closeable> resources = new ArrayDeque<>();
    final NetworkNamespace node;
    final NetworkNamespace podA;
    final NetworkNamespace podB;
    final NetworkNamespace client;
    final NetworkNamespace outside;

    TestNode() throws Exception {
        try {
            node = namespace("node");
            podA = namespace("a");
            podB = namespace("b");
            client = namespace("c");
            outside = namespace("out");
            node.ip("link add cni0 type bridge", "link set cni0 up", "addr add 10.244.0.1/24 dev cni0",
                    "addr add fd00:244::1/64 dev cni0 nodad");
            pod(podA, "11");
            pod(podB, "12");
            pod(client, "20");
            node.cable("eth0", outside, "eth0");
            node.ip("link set eth0 up", "addr add 192.168.77.2/24 dev eth0", "addr add fd00:77::2/64 dev eth0 nodad");
            outside.ip("link set eth0 up", "addr add 192.168.77.9/24 dev eth0", "addr add fd00:77::9/64 dev eth0 nodad",
                    "route add 203.0.113.0/24 via 192.168.77.2", "-6 route add fd00:113::/64 via fd00:77::2");
            serve(podA, "a");
            serve(podB, "b");
        } catch (Exception e) {
            close();
            throw e;
        }
    }

    private NetworkNamespace namespace(String role) throws IOException, InterruptedException {
        NetworkNamespace namespace = NetworkNamespace.create(role);
        resources.push(namespace);
        return namespace;
    }

    private void pod(NetworkNamespace pod, String number) throws IOException, InterruptedException {
        node.cable("veth" + number, pod, "eth0");
        node.ip("link set veth" + number + " master cni0", "link set veth" + number + " up");
        pod.ip("link set eth0 up", "addr add 10.244.0." + number + "/24 dev eth0",
                "addr add fd00:244::" + number + "/64 dev eth0 nodad", "route add default via 10.244.0.1",
                "-6 route add default via fd00:244::1");
    }

    /** An HTTP server in {@code pod} that says {@code name} and who asked. */
    private void serve(NetworkNamespace pod, String name) throws Exception {
        HttpServer server = pod.inside(() -> HttpServer.create(new InetSocketAddress("::", 8080), 64));
        server.createContext("/", exchange -> {
            byte[] body = (name + " to " + exchange.getRemoteAddress().getAddress().getHostAddress())
                    .getBytes(StandardCharsets.US_ASCII);
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
        resources.push(() -> server.stop(0));
    }

    /** Closed before the namespaces are. */
    <T extends Closeable> T with(T resource) {
        resources.push(resource);
        return resource;
    }

    @Override
    public void close() throws IOException {
        IOException failure = null;
        while (!resources.isEmpty()) {
            try {
                resources.pop().close();
            } catch (IOException e) {
                failure = e;
            }
        }
        if (failure != null) {
            throw failure;
        }
    }
}
