/*
 * The load and the backends of the benchmark: one thread, epoll, nothing allocated while it measures.
 *
 *   load serve PORT ADDRESS… [/run/netns/NAME]
 *                                  backends: PORT echoes, PORT+1 swallows, PORT+2 sends, PORT+3 does both; PORT+4 and
 *                                  PORT+5 echo datagrams; PORT+6 answers each message with as many bytes as its first
 *                                  four say, and echoes shorter ones. Then enters the network namespace, if one is given, in which
 *                                  the clients are, reads one line of work after the other, and answers each with one
 *                                  JSON object:
 *     exchange [options]                  messages of --bytes are echoed, or get --answer bytes, on --connections
 *                                         kept-alive connections
 *     connect [options]                   connect, one byte each way, close; --connections at a time
 *     bulk [options] --way up|down|both   as much as goes through --connections
 *     ask [options]                       a datagram of --bytes and its echo, from a port of its own; --connections at a time
 *     datagrams [options]                 the same, over and over from the same ports
 *   load hold [options]            opens --connections, says so, and holds them until its input ends
 *
 * Options: --to ADDRESS:PORT, --connections N, --seconds S, --warmup S, --bytes N, --answer N, --rate R (exchanges a
 * second that become due, as a Poisson process has them, 0 for as many as go), --watch PID,PID (whose CPU time is counted).
 *
 * The thread that loads is the one that serves: two would wake each other for each message, which costs as much as the
 * proxy between them and would be what is measured.
 *
 * It does not sleep while as many exchanges as go are measured, unless the proxy has the same processor: waking it would
 * be work of the proxy's. With --rate it sleeps whenever nothing is due, as clients do.
 *
 * With --rate a latency counts from when the exchange was due, not from when it could be sent: what waits behind a slow
 * answer, or for this thread, is not left out (coordinated omission). An exchange takes the connection that has been idle
 * the longest; while none is, it waits for one. stalledNanos tells how long the machine did not let this thread run.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_PIDS 16
#define MAX_CONNECTIONS 60000
#define CHUNK (256 * 1024)
#define SECOND 1000000000LL
#define LOST (SECOND / 4)    /* a datagram that is not echoed by then */
#define STALL 250000LL       /* ns from one look at the clock to the next; there is one for each event */

enum role { LISTENER, ECHO, SWALLOW, SEND, BOTH, DATAGRAMS, CLIENT, ORDERS, ANSWER };

struct end {
    int fd;
    enum role role;
    enum role accepts;   /* of a listener */
    int64_t sent_at;
    long got;
    long owed;           /* of an answer: bytes that did not fit */
};

static int epoll_fd;
static char buffer[CHUNK], message[CHUNK];
static struct sockaddr_in target;
static int connections, bytes, answer, way_up, way_down;
static double seconds, warmup, rate;
static int pids[MAX_PIDS], pid_count;
static int64_t done, failed, moved;
static int measuring;
static int64_t looked_at, stalled;

/* Of exchanges that become due: those that wait for a connection, and the connections that wait for one. */
#define MAX_DUE (1 << 16)
static int64_t due[MAX_DUE];
static uint64_t due_first, due_last;
static struct end *idle[MAX_CONNECTIONS];
static uint64_t idle_first, idle_last;
static uint64_t seed;

static void die(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

/* The time, looked at so often that a long step means that this thread did not run. */
static int64_t look(void) {
    int64_t t = now(), step = t - looked_at;
    if (step > STALL && measuring) stalled += step;
    looked_at = t;
    return t;
}

static int64_t cpu_of(clockid_t clock) {
    struct timespec t;
    return clock_gettime(clock, &t) == 0 ? t.tv_sec * SECOND + t.tv_nsec : 0;
}

/* CPU time of the watched processes, all threads, also of those that have ended. */
static int64_t watched_cpu(void) {
    int64_t sum = 0;
    for (int i = 0; i < pid_count; i++) {
        clockid_t clock;
        if (clock_getcpuclockid(pids[i], &clock) == 0) sum += cpu_of(clock);
    }
    return sum;
}

/* Latencies in ns: 64 steps to each doubling, so within 1.6 %. */
#define STEPS 64
static int64_t histogram[64 * STEPS];
static int64_t recorded;

static void record(int64_t from, int64_t to) {
    int64_t ns = to - from;
    uint64_t v = ns < STEPS ? STEPS : (uint64_t) ns;
    int shift = 63 - __builtin_clzll(v) - 6;
    histogram[shift * STEPS + (v >> shift) - STEPS]++;
    recorded++;
}

static double percentile(double p) {
    int64_t rank = (int64_t) (recorded * p), seen = 0;
    for (int i = 0; i < 64 * STEPS; i++) {
        seen += histogram[i];
        if (seen > rank) return (double) ((int64_t) (STEPS + i % STEPS) << (i / STEPS)) / 1000.0;
    }
    return 0;
}

static void watch(struct end *e, uint32_t events, int op) {
    struct epoll_event ev = {.events = events, .data.ptr = e};
    if (epoll_ctl(epoll_fd, op, e->fd, &ev) < 0) die("epoll_ctl");
}

static int new_socket(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0) die("socket");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* ---- backends ---- */

static void listen_at(const char *address, int port, enum role accepts) {
    struct end *e = calloc(1, sizeof *e);
    int one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &a.sin_addr) != 1) die(address);
    e->fd = new_socket();
    e->role = LISTENER;
    e->accepts = accepts;
    setsockopt(e->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(e->fd, (struct sockaddr *) &a, sizeof a) < 0) die("bind");
    if (listen(e->fd, 4096) < 0) die("listen");
    watch(e, EPOLLIN, EPOLL_CTL_ADD);
}

static void receive_at(const char *address, int port) {
    struct end *e = calloc(1, sizeof *e);
    int octets = 4 << 20;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &a.sin_addr) != 1) die(address);
    e->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (e->fd < 0) die("socket");
    e->role = DATAGRAMS;
    setsockopt(e->fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
    if (bind(e->fd, (struct sockaddr *) &a, sizeof a) < 0) die("bind");
    watch(e, EPOLLIN, EPOLL_CTL_ADD);
}

static void end_it(struct end *e) {
    close(e->fd);
    free(e);
}

/* One message at a time, as the clients send them. */
static void answer_event(struct end *e, uint32_t events) {
    uint32_t asked;
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(e->fd, buffer, sizeof buffer, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            end_it(e);
            return;
        }
        if (n >= (ssize_t) sizeof asked) memcpy(&asked, buffer, sizeof asked);
        else asked = n > 0 ? n : 0;
        e->owed += asked;
    }
    while (e->owed > 0) {
        ssize_t n = send(e->fd, buffer, e->owed < CHUNK ? e->owed : CHUNK, MSG_NOSIGNAL);
        if (n < 0) break;
        e->owed -= n;
    }
    watch(e, e->owed > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static void serve_event(struct end *e, uint32_t events) {
    if (e->role == LISTENER) {
        int fd;
        while ((fd = accept4(e->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
            struct end *c = calloc(1, sizeof *c);
            int one = 1;
            c->fd = fd;
            c->role = e->accepts;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            watch(c, EPOLLIN | (c->role == SEND || c->role == BOTH ? EPOLLOUT : 0), EPOLL_CTL_ADD);
        }
        return;
    }
    if (e->role == DATAGRAMS) {
        struct sockaddr_in from;
        socklen_t size = sizeof from;
        for (int i = 0; i < 64; i++) {
            ssize_t n = recvfrom(e->fd, buffer, sizeof buffer, 0, (struct sockaddr *) &from, &size);
            if (n < 0) return;
            sendto(e->fd, buffer, n, 0, (struct sockaddr *) &from, size);
        }
        return;
    }
    if (e->role == ANSWER) {
        answer_event(e, events);
        return;
    }
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(e->fd, buffer, e->role == ECHO ? sizeof buffer : 1 << 20, e->role == ECHO ? 0 : MSG_TRUNC);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            end_it(e);
            return;
        }
        if (n > 0 && e->role == ECHO && send(e->fd, buffer, n, MSG_NOSIGNAL) != n) {
            end_it(e);
            return;
        }
    }
    if (events & EPOLLOUT) {
        if (send(e->fd, buffer, sizeof buffer, MSG_NOSIGNAL) < 0 && errno != EAGAIN) end_it(e);
    }
}

/* ---- load ---- */

static struct end clients[MAX_CONNECTIONS];

static int begin_connect(struct end *c) {
    c->fd = new_socket();
    c->role = CLIENT;
    c->got = 0;
    c->sent_at = now();
    if (connect(c->fd, (struct sockaddr *) &target, sizeof target) < 0 && errno != EINPROGRESS) {
        close(c->fd);
        c->fd = -1;
        failed++;
        return 0;
    }
    return 1;
}

/* Waits for the byte that the far end echoes, which may be this thread. */
static void first_byte(struct end *c) {
    char byte = 'x';
    if (send(c->fd, &byte, 1, 0) != 1) die("first byte");
    while (1) {
        struct epoll_event events[256];
        int came = 0, n = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct end *e = events[i].data.ptr;
            if (e->role != CLIENT) serve_event(e, events[i].events);
            else came |= e == c;
        }
        if (came) {
            if (recv(c->fd, &byte, 1, 0) != 1) die("first byte");
            return;
        }
    }
}

/* Connects one after the other. */
static void connect_all(int with_echo, uint32_t events) {
    for (int i = 0; i < connections; i++) {
        struct end *c = &clients[i];
        int one = 1;
        c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (c->fd < 0) die("socket");
        setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        if (connect(c->fd, (struct sockaddr *) &target, sizeof target) < 0) die("connect");
        fcntl(c->fd, F_SETFL, O_NONBLOCK);
        c->role = CLIENT;
        watch(c, events, EPOLL_CTL_ADD);
        if (with_echo) first_byte(c);
    }
}

static void exchange_send(struct end *c, int64_t from) {
    c->got = 0;
    c->sent_at = from;
    if (send(c->fd, message, bytes, MSG_NOSIGNAL) != bytes) failed++;
}

/* ns until the next exchange becomes due: exponentially distributed, from a seed of its own (splitmix64). */
static int64_t gap(void) {
    uint64_t z = (seed += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return (int64_t) (-log(((z >> 11) + 1) * 0x1p-53) * (SECOND / rate));
}

static void exchange_due(int64_t at) {
    if (idle_first < idle_last) exchange_send(idle[idle_first++ % MAX_CONNECTIONS], at);
    else if (due_last - due_first < MAX_DUE) due[due_last++ % MAX_DUE] = at;
    else failed++;
}

static void exchange_next(struct end *c) {
    if (rate == 0) exchange_send(c, looked_at);
    else if (due_first < due_last) exchange_send(c, due[due_first++ % MAX_DUE]);
    else idle[idle_last++ % MAX_CONNECTIONS] = c;
}

static void exchange_event(struct end *c) {
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN) return;
        failed++;
        epoll_ctl(epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
        return;
    }
    c->got += n;
    if (c->got < answer) return;
    if (measuring) {
        record(c->sent_at, looked_at);
        done++;
        moved += bytes + answer;
    }
    exchange_next(c);
}

static void connect_event(struct end *c, uint32_t events) {
    char byte = 'x';
    if (c->got == 0 && (events & EPOLLOUT)) {
        if (send(c->fd, &byte, 1, MSG_NOSIGNAL) != 1) goto broken;
        c->got = 1;
        watch(c, EPOLLIN, EPOLL_CTL_MOD);
        return;
    }
    if (recv(c->fd, &byte, 1, 0) != 1) goto broken;
    if (measuring) {
        record(c->sent_at, looked_at);
        done++;
    }
    goto again;
broken:
    failed++;
again:
    close(c->fd);
    if (begin_connect(c)) watch(c, EPOLLOUT, EPOLL_CTL_ADD);
}

static void bulk_event(struct end *c, uint32_t events) {
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
        ssize_t n = recv(c->fd, buffer, 1 << 20, MSG_TRUNC);
        if (n == 0 || (n < 0 && errno != EAGAIN)) {
            failed++;
            epoll_ctl(epoll_fd, EPOLL_CTL_DEL, c->fd, NULL);
            return;
        }
        if (n > 0 && measuring) moved += n;
    }
    if (way_up && (events & EPOLLOUT)) {
        ssize_t n = send(c->fd, buffer, sizeof buffer, MSG_NOSIGNAL);
        if (n > 0 && measuring) moved += n;
    }
}

static void open_datagrams(struct end *c) {
    c->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    c->role = CLIENT;
    if (connect(c->fd, (struct sockaddr *) &target, sizeof target) < 0) die("connect");
    watch(c, EPOLLIN, EPOLL_CTL_ADD);
}

static void send_datagram(struct end *c) {
    c->sent_at = looked_at;
    if (send(c->fd, buffer, bytes, 0) != bytes) failed++;
}

/* Sends the next one, from another port if asked so. */
static void next_datagram(struct end *c, int anew) {
    if (anew) {
        close(c->fd);
        open_datagrams(c);
    }
    send_datagram(c);
}

static void datagram_event(struct end *c, int anew) {
    ssize_t n = recv(c->fd, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n != bytes) {
        failed++;
    } else if (measuring) {
        record(c->sent_at, looked_at);
        done++;
        moved += 2 * bytes;
    }
    next_datagram(c, anew);
}

enum work { EXCHANGE, CONNECT, BULK, ASK, FLOWS };

/* Whether a proxy may run where this thread does. */
static int shares_processor(void) {
    cpu_set_t own, other, both;
    CPU_ZERO(&own);
    sched_getaffinity(0, sizeof own, &own);
    for (int i = 0; i < pid_count; i++) {
        CPU_ZERO(&other);
        sched_getaffinity(pids[i], sizeof other, &other);
        CPU_AND(&both, &own, &other);
        if (CPU_COUNT(&both) > 0) return 1;
    }
    return 0;
}

static void run(enum work work) {
    int sleeps = rate > 0 || shares_processor();
    if (work == CONNECT) {
        for (int i = 0; i < connections; i++)
            if (begin_connect(&clients[i])) watch(&clients[i], EPOLLOUT, EPOLL_CTL_ADD);
    } else if (work == ASK || work == FLOWS) {
        looked_at = now();
        for (int i = 0; i < connections; i++) {
            open_datagrams(&clients[i]);
            send_datagram(&clients[i]);
        }
    } else {
        connect_all(work == EXCHANGE, EPOLLIN | (work == BULK && way_up ? EPOLLOUT : 0));
    }
    looked_at = now();
    int64_t begin = looked_at + (int64_t) (warmup * SECOND), end = begin + (int64_t) (seconds * SECOND);
    int64_t cpu = 0, measured_from = 0, t, turn = 0, next = looked_at;
    if (work == EXCHANGE)
        for (int i = 0; i < connections; i++) exchange_next(&clients[i]);
    while ((t = look()) < end) {
        if (!measuring && t >= begin) {
            measuring = 1;
            cpu = watched_cpu();
            measured_from = t;
            failed = 0;
        }
        int64_t until = sleeps ? measuring ? end : begin : t;
        if (work == EXCHANGE && rate > 0) {
            for (; next <= (t = look()); next += gap()) exchange_due(next);
            if (next < until) until = next;
        }
        if (work == ASK || work == FLOWS) {
            struct end *c = &clients[turn++ % connections];
            if (t - c->sent_at > LOST) {
                failed++;
                next_datagram(c, work == ASK);
            }
            if (until - t > LOST / connections) until = t + LOST / connections;
        }
        struct epoll_event events[256];
        int64_t wait = until > t ? until - t : 0;
        struct timespec timeout = {wait / SECOND, wait % SECOND};
        int n = epoll_pwait2(epoll_fd, events, 256, &timeout, NULL);
        if (sleeps) looked_at = wait > 0 && n == 0 ? until : now();
        for (int i = 0; i < n; i++) {
            struct end *c = events[i].data.ptr;
            look();
            if (c->role != CLIENT) serve_event(c, events[i].events);
            else if (work == EXCHANGE) exchange_event(c);
            else if (work == CONNECT) connect_event(c, events[i].events);
            else if (work == ASK || work == FLOWS) datagram_event(c, work == ASK);
            else bulk_event(c, events[i].events);
        }
    }
    if (work == BULK) stalled = 0; /* one event moves so much that it takes as long as a stall */
    double took = (t - measured_from) / 1e9;
    printf("{\"seconds\":%.6f,\"done\":%lld,\"failed\":%lld,\"bytes\":%lld,\"cpuNanos\":%lld,\"stalledNanos\":%lld,"
           "\"p50Micros\":%.1f,\"p99Micros\":%.1f,\"p999Micros\":%.1f}\n",
           took, (long long) done, (long long) failed, (long long) moved, (long long) (watched_cpu() - cpu),
           (long long) stalled, percentile(0.50), percentile(0.99),
           percentile(0.999));
    fflush(stdout);
    for (int i = 0; i < connections; i++)
        if (clients[i].fd >= 0) close(clients[i].fd);
}

static void hold(void) {
    connect_all(1, EPOLLIN);
    puts("ready");
    fflush(stdout);
    char c;
    while (read(0, &c, 1) > 0) continue;
}

static void read_options(int argc, char **argv) {
    connections = 1, bytes = 256, way_up = 1, way_down = 0;
    seconds = 2, warmup = 0.5, rate = 0, answer = 0;
    pid_count = 0;
    for (int i = 0; i + 1 < argc; i += 2) {
        char *name = argv[i], *value = argv[i + 1];
        if (!strcmp(name, "--to")) {
            char *colon = strrchr(value, ':');
            if (colon == NULL) die("--to");
            *colon = 0;
            target.sin_family = AF_INET;
            target.sin_port = htons(atoi(colon + 1));
            if (inet_pton(AF_INET, value, &target.sin_addr) != 1) die("--to");
        } else if (!strcmp(name, "--connections")) connections = atoi(value);
        else if (!strcmp(name, "--seconds")) seconds = atof(value);
        else if (!strcmp(name, "--warmup")) warmup = atof(value);
        else if (!strcmp(name, "--bytes")) bytes = atoi(value);
        else if (!strcmp(name, "--answer")) answer = atoi(value);
        else if (!strcmp(name, "--rate")) rate = atof(value);
        else if (!strcmp(name, "--way")) {
            way_up = strcmp(value, "down") != 0;
            way_down = strcmp(value, "up") != 0;
        } else if (!strcmp(name, "--watch")) {
            for (char *p = strtok(value, ","); p != NULL && pid_count < MAX_PIDS; p = strtok(NULL, ","))
                pids[pid_count++] = atoi(p);
        } else {
            fprintf(stderr, "load: unknown option %s\n", name);
            exit(2);
        }
    }
    if (answer > 0) {
        uint32_t asked = answer;
        memcpy(message, &asked, sizeof asked);
    } else {
        answer = bytes;
    }
    if (connections < 1 || connections > MAX_CONNECTIONS || bytes < 1 || bytes > CHUNK) {
        fprintf(stderr, "load: --connections or --bytes is out of range\n");
        exit(2);
    }
}

/* One line of work; measures as a new process would. */
static void work(char *line) {
    char *words[32];
    int count = 0;
    for (char *w = strtok(line, " \n"); w != NULL && count < 32; w = strtok(NULL, " \n")) words[count++] = w;
    if (count == 0) return;
    memset(clients, 0, sizeof clients);
    memset(histogram, 0, sizeof histogram);
    recorded = done = failed = moved = measuring = stalled = 0;
    due_first = due_last = idle_first = idle_last = 0;
    seed = 1;
    read_options(count - 1, words + 1);
    if (!strcmp(words[0], "exchange")) run(EXCHANGE);
    else if (!strcmp(words[0], "connect")) run(CONNECT);
    else if (!strcmp(words[0], "bulk")) run(BULK);
    else if (!strcmp(words[0], "ask")) run(ASK);
    else if (!strcmp(words[0], "datagrams")) run(FLOWS);
    else {
        fprintf(stderr, "load: unknown work %s\n", words[0]);
        exit(2);
    }
}

static void serve(int argc, char **argv) {
    static struct end orders = {.fd = 0, .role = ORDERS};
    int port = atoi(argv[0]);
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] == '/') {
            int namespace = open(argv[i], O_RDONLY | O_CLOEXEC);
            if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0) die(argv[i]);
            close(namespace);
            break;
        }
        for (int r = 0; r < 4; r++) listen_at(argv[i], port + r, (enum role) (ECHO + r));
        for (int r = 4; r < 6; r++) receive_at(argv[i], port + r);
        listen_at(argv[i], port + 6, ANSWER);
    }
    watch(&orders, EPOLLIN, EPOLL_CTL_ADD);
    puts("ready");
    fflush(stdout);
    while (1) {
        struct epoll_event events[256];
        int ordered = 0, n = epoll_wait(epoll_fd, events, 256, -1);
        for (int i = 0; i < n; i++) {
            struct end *e = events[i].data.ptr;
            if (e->role == ORDERS) ordered = 1;
            else serve_event(e, events[i].events);
        }
        if (ordered) {
            char line[4096];
            if (fgets(line, sizeof line, stdin) == NULL) return;
            watch(&orders, 0, EPOLL_CTL_DEL);
            work(line);
            watch(&orders, EPOLLIN, EPOLL_CTL_ADD);
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 3) {
        fprintf(stderr, "usage: load serve|hold …\n");
        return 2;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!strcmp(argv[1], "serve")) {
        serve(argc - 2, argv + 2);
    } else if (!strcmp(argv[1], "hold")) {
        read_options(argc - 2, argv + 2);
        hold();
    } else {
        fprintf(stderr, "load: unknown order %s\n", argv[1]);
        return 2;
    }
    return 0;
}
