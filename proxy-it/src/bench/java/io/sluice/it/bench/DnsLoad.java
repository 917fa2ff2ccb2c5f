package io.sluice.it.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.DatagramChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * Asks DNS servers as programs in pods do, where {@code ndots:5} makes most names be asked for that do not exist: A and AAAA
 * in pairs, every second pair for a name that is not there. {@code ./bench-dns} starts the servers and this.
 */
final class DnsLoad {

    private static final int SERVICES = 1_000;
    private static final int SOCKETS = 16;
    private static final int OUTSTANDING = 4;
    private static final Duration WARM_UP = Duration.ofSeconds(5);
    private static final Duration MEASURED = Duration.ofSeconds(5);
    private static final long LOST_NANOS = 1_000_000_000L;
    private static final short TYPE_A = 1;
    private static final short TYPE_AAAA = 28;

    /** One socket and what it waits for. */
    private static final class Client {
        final DatagramChannel channel;
        final long[] sentAt = new long[OUTSTANDING];
        final short[] id = new short[OUTSTANDING];

        Client(DatagramChannel channel) {
            this.channel = channel;
        }
    }

    private record Round(double perSecond, double median, double p99, long lost) {}

    private DnsLoad() {}

    /** Arguments: {@code rounds NAME=PORT…}. */
    public static void main(String[] arguments) throws IOException {
        int rounds = Integer.parseInt(arguments[0]);
        List<String> servers = List.of(arguments).subList(1, arguments.length);
        List<List<Round>> results = new ArrayList<>();
        servers.forEach(server -> results.add(new ArrayList<>()));
        for (String server : servers) {
            run(port(server), WARM_UP);
        }
        for (int round = 0; round < rounds; round++) {
            for (int i = 0; i < servers.size(); i++) {
                results.get(i).add(run(port(servers.get(i)), MEASURED));
            }
        }
        System.out.println("| server | queries/s | median µs | p99 µs | lost |");
        System.out.println("| --- | --- | --- | --- | --- |");
        for (int i = 0; i < servers.size(); i++) {
            List<Round> of = results.get(i);
            System.out.printf(Locale.ROOT, "| %s | %,.0f | %.0f | %.0f | %d |%n",
                    servers.get(i).substring(0, servers.get(i).indexOf('=')),
                    median(of.stream().mapToDouble(Round::perSecond).toArray()),
                    median(of.stream().mapToDouble(Round::median).toArray()),
                    median(of.stream().mapToDouble(Round::p99).toArray()),
                    of.stream().mapToLong(Round::lost).sum());
        }
    }

    private static int port(String server) {
        return Integer.parseInt(server.substring(server.indexOf('=') + 1));
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    private static Round run(int port, Duration time) throws IOException {
        Random random = new Random(1);
        long[] latencies = new long[4_000_000];
        int answered = 0;
        long lost = 0;
        ByteBuffer buffer = ByteBuffer.allocateDirect(2_048);
        List<Client> clients = new ArrayList<>();
        try (Selector selector = Selector.open()) {
            for (int i = 0; i < SOCKETS; i++) {
                DatagramChannel channel = DatagramChannel.open();
                channel.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                channel.configureBlocking(false);
                Client client = new Client(channel);
                channel.register(selector, SelectionKey.OP_READ, client);
                clients.add(client);
                for (int slot = 0; slot < OUTSTANDING; slot++) {
                    send(client, slot, buffer, random);
                }
            }
            long start = System.nanoTime();
            long end = start + time.toNanos();
            long now = start;
            while (now < end) {
                selector.select(100);
                for (SelectionKey key : selector.selectedKeys()) {
                    Client client = (Client) key.attachment();
                    while (client.channel.read(buffer.clear()) > 0) {
                        short id = buffer.getShort(0);
                        int slot = id & OUTSTANDING - 1;
                        if (client.id[slot] == id && answered < latencies.length) {
                            latencies[answered++] = System.nanoTime() - client.sentAt[slot];
                            send(client, slot, buffer, random);
                        }
                    }
                }
                selector.selectedKeys().clear();
                now = System.nanoTime();
                for (Client client : clients) {
                    for (int slot = 0; slot < OUTSTANDING; slot++) {
                        if (now - client.sentAt[slot] > LOST_NANOS) {
                            lost++;
                            send(client, slot, buffer, random);
                        }
                    }
                }
            }
            double seconds = (now - start) / 1e9;
            long[] sorted = Arrays.copyOf(latencies, answered);
            Arrays.sort(sorted);
            if (answered == 0) {
                throw new IOException("nobody answers at port " + port);
            }
            return new Round(answered / seconds, sorted[answered / 2] / 1e3, sorted[answered / 100 * 99] / 1e3, lost);
        } finally {
            for (Client client : clients) {
                client.channel.close();
            }
        }
    }

    private static void send(Client client, int slot, ByteBuffer buffer, Random random) throws IOException {
        short id = (short) (random.nextInt() & -OUTSTANDING | slot);
        int kind = random.nextInt(4);
        String name = "s" + random.nextInt(SERVICES) + (kind < 2 ? "" : ".default") + ".default.svc.cluster.local";
        buffer.clear().putShort(id).putShort((short) 0x0100).putShort((short) 1).putShort((short) 0)
                .putShort((short) 0).putShort((short) 0);
        for (String label : name.split("\\.", -1)) {
            buffer.put((byte) label.length()).put(label.getBytes(StandardCharsets.US_ASCII));
        }
        buffer.put((byte) 0).putShort((kind & 1) == 0 ? TYPE_A : TYPE_AAAA).putShort((short) 1);
        client.id[slot] = id;
        client.sentAt[slot] = System.nanoTime();
        client.channel.write(buffer.flip());
    }
}
