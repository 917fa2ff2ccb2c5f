package io.sluice.it.soak;

import java.io.Closeable;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.random.RandomGenerator;

/** What goes wrong around the daemon for some seconds. None of it may cost the checked load a connection. */
enum Fault {

    CLIENTS_THAT_DO_NOT_READ {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) throws IOException {
            return hold(daemon.bulk(), 20 + random.nextInt(40), "");
        }
    },

    CLIENTS_THAT_VANISH {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) {
            return new Repeating("a client that vanishes", Duration.ofMillis(20), daemon.failures(), () -> {
                try (Socket socket = connect(daemon.bulk())) {
                    socket.getOutputStream().write(new byte[random.nextInt(16 << 10)]);
                    socket.getInputStream().skipNBytes(random.nextInt(1 << 20));
                    // With bytes that were not read, the kernel resets in any case.
                    socket.setSoLinger(random.nextBoolean(), 0);
                }
            });
        }
    },

    AN_ENDPOINT_COMES_AND_GOES {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) {
            AtomicBoolean there = new AtomicBoolean();
            Closeable toggling = new Repeating("endpoints", Duration.ofMillis(50 + random.nextInt(300)),
                    daemon.failures(), () -> {
                        if (there.getAndSet(!there.get())) {
                            daemon.removeEndpoint(daemon.spareEndpoint());
                        } else {
                            daemon.addEndpoint(daemon.spareEndpoint());
                        }
                    });
            return () -> {
                toggling.close();
                daemon.removeEndpoint(daemon.spareEndpoint());
            };
        }
    },

    AN_ENDPOINT_REFUSES {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) throws IOException {
            daemon.addEndpoint(daemon.refusingEndpoint());
            return () -> daemon.removeEndpoint(daemon.refusingEndpoint());
        }
    },

    OTHER_SERVICES_COME_AND_GO {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) {
            List<String> names = daemon.churned();
            List<String> there = new ArrayList<>();
            Closeable churning = new Repeating("other Services", Duration.ofMillis(10), daemon.failures(), () -> {
                String name = names.get(random.nextInt(names.size()));
                if (there.remove(name)) {
                    daemon.process().manifests().delete(name + ".yaml");
                } else {
                    daemon.process().service(name, daemon.spareEndpoint());
                    there.add(name);
                }
            });
            return () -> {
                churning.close();
                for (String name : there) {
                    daemon.process().manifests().delete(name + ".yaml");
                }
            };
        }
    },

    AN_EDIT_IS_BROKEN {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) throws IOException {
            daemon.breakEdit();
            return daemon::mend;
        }
    },

    A_FILE_CONTAINS_ITSELF {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) throws IOException {
            daemon.process().manifests().replace("hostile.yaml", "a: &a {<<: *a, b: 1}\n");
            return () -> daemon.process().manifests().delete("hostile.yaml");
        }
    },

    RELOADS {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) {
            return new Repeating("SIGHUP", Duration.ofMillis(100 + random.nextInt(500)), daemon.failures(),
                    () -> daemon.process().signal("HUP"));
        }
    },

    NOBODY_READS_THE_LOG {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) {
            daemon.process().stopReading();
            return daemon.process()::readOn;
        }
    },

    REQUESTS_ARE_HALF_SENT {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) throws IOException {
            return hold(daemon.process().serving("health checks"), 200 + random.nextInt(300),
                    "GET /livez HTTP/1.1\r\nHost: x\r\nX-a: ");
        }
    },

    THE_PROCESS_IS_STOPPED {
        @Override
        Closeable begin(SoakedDaemon daemon, RandomGenerator random) throws IOException, InterruptedException {
            daemon.stop();
            return daemon::goOn;
        }
    };

    private static final int CONNECT_MILLIS = 60_000;

    /** Begins it; closing ends it. The numbers that it needs are from {@code random}. */
    abstract Closeable begin(SoakedDaemon daemon, RandomGenerator random) throws IOException, InterruptedException;

    /** Connections that send some octets and then neither send nor read. */
    private static Closeable hold(InetSocketAddress address, int connections, String octets) throws IOException {
        List<Socket> held = new ArrayList<>();
        for (int i = 0; i < connections; i++) {
            Socket socket = connect(address);
            held.add(socket);
            socket.getOutputStream().write(octets.getBytes(StandardCharsets.US_ASCII));
        }
        return () -> {
            for (Socket socket : held) {
                socket.close();
            }
        };
    }

    private static Socket connect(InetSocketAddress address) throws IOException {
        Socket socket = new Socket();
        socket.setReceiveBufferSize(4096);
        socket.setSoTimeout(CONNECT_MILLIS);
        socket.connect(address, CONNECT_MILLIS);
        return socket;
    }
}
