package io.sluice.it.bench;

import java.util.List;

/** A kind of load: what the load tool is asked for, and the figures that are read from its answer. */
enum Work {
    BULK_UP("bulk, 1 connection up", Backend.SWALLOW, false, "bulk --way up"),
    BULK_DOWN("bulk, 1 connection down", Backend.SEND, true, "bulk --way down"),
    BULK_BOTH("bulk, 1 connection both ways", Backend.BOTH, false, "bulk --way both"),
    BULK_8_UP("bulk, 8 connections up", Backend.SWALLOW, false, "bulk --way up --connections 8"),
    BULK_8_DOWN("bulk, 8 connections down", Backend.SEND, false, "bulk --way down --connections 8"),
    BULK_8_BOTH("bulk, 8 connections both ways", Backend.BOTH, false, "bulk --way both --connections 8"),
    REQUESTS_1("requests, 1 connection", Backend.ECHO, false, "exchange"),
    REQUESTS_64("requests, 64 connections", Backend.ECHO, true, "exchange --connections 64"),
    REQUESTS_512("requests, 512 connections", Backend.ECHO, false, "exchange --connections 512"),
    QUARTER_LOAD("requests at a quarter of the load, 64 connections", Backend.ECHO, false, "exchange --connections 64"),
    HALF_LOAD("requests at half load, 64 connections", Backend.ECHO, false, "exchange --connections 64"),
    HEAVY_LOAD("requests at four fifths of the load, 64 connections", Backend.ECHO, false, "exchange --connections 64"),
    ANSWERS_4K("answers of 4 KiB, 64 connections", Backend.ANSWERS, false,
            "exchange --connections 64 --bytes 64 --answer 4096"),
    ANSWERS_64K("answers of 64 KiB, 64 connections", Backend.ANSWERS, false,
            "exchange --connections 64 --bytes 64 --answer 65536"),
    CONNECTIONS("connect, 1 byte each way, close", Backend.ECHO, true, "connect --connections 16"),
    CROWDED("connect and close beside 2,000 idle", Backend.ECHO, false, "connect --connections 16"),
    QUESTIONS("datagram and answer, a new port each", Backend.ANSWER, false, "ask --connections 32 --bytes 64"),
    FLOWS("datagrams of 64 bytes on 1,000 standing flows", Backend.FLOWS, false,
            "datagrams --connections 1000 --bytes 64");

    /** What the backend does, and the port where it does. */
    enum Backend {
        ECHO(0), SWALLOW(1), SEND(2), BOTH(3),
        /** Of datagrams, one for each. */
        ANSWER(4),
        /** Of datagrams, for as long as they come. */
        FLOWS(5),
        /** As many bytes as each message asks for. */
        ANSWERS(6);

        private final int port;

        Backend(int port) {
            this.port = Peer.PORT + port;
        }

        int port() {
            return port;
        }
    }

    private final String title;
    private final Backend backend;
    private final boolean quick;
    private final String load;

    Work(String title, Backend backend, boolean quick, String load) {
        this.title = title;
        this.backend = backend;
        this.quick = quick;
        this.load = load;
    }

    String title() {
        return title;
    }

    Backend backend() {
        return backend;
    }

    /** Whether it is part of the quick run. */
    boolean quick() {
        return quick;
    }

    /** Whether it is made of datagrams, which HAProxy does not proxy. */
    boolean datagrams() {
        return backend == Backend.ANSWER || backend == Backend.FLOWS;
    }

    /** What becomes due, of what HAProxy does at most; 0 for as much as goes. */
    double share() {
        return switch (this) {
            case QUARTER_LOAD -> 0.25;
            case HALF_LOAD -> 0.5;
            case HEAVY_LOAD -> 0.8;
            default -> 0;
        };
    }

    /** Whether bytes are counted, and not requests or connections. */
    boolean bulk() {
        return figures().getFirst() == Figure.CPU_PER_GB;
    }

    /** How many idle connections are held meanwhile. */
    int idle() {
        return this == CROWDED ? 2000 : 0;
    }

    /** The load tool's arguments. */
    List<String> load() {
        return List.of(load.split(" "));
    }

    /** What is told of it, the most important first. */
    List<Figure> figures() {
        return switch (this) {
            case BULK_UP, BULK_DOWN, BULK_BOTH, BULK_8_UP, BULK_8_DOWN, BULK_8_BOTH ->
                    List.of(Figure.CPU_PER_GB, Figure.THROUGHPUT);
            case REQUESTS_1, REQUESTS_64, REQUESTS_512, ANSWERS_4K, ANSWERS_64K ->
                    List.of(Figure.CPU_PER_REQUEST, Figure.REQUEST_RATE, Figure.P50, Figure.P99, Figure.P999);
            case QUESTIONS, FLOWS -> List.of(Figure.CPU_PER_REQUEST, Figure.REQUEST_RATE, Figure.P50, Figure.P99);
            case QUARTER_LOAD, HALF_LOAD, HEAVY_LOAD ->
                    List.of(Figure.CPU_PER_REQUEST, Figure.P50, Figure.P99, Figure.P999);
            case CONNECTIONS, CROWDED ->
                    List.of(Figure.CPU_PER_CONNECTION, Figure.CONNECTION_RATE, Figure.P50, Figure.P99);
        };
    }
}
