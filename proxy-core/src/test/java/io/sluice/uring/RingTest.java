package io.sluice.uring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.netty.channel.EventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.Native;
import io.netty.channel.unix.FileDescriptor;
import io.sluice.linux.TcpCalls;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;

@EnabledIf("isThere")
class RingTest {

    private static final int READ = 1;

    private final Map<Object, Ring> rings = new ConcurrentHashMap<>();
    private final List<Socket> peers = new ArrayList<>();
    private MultiThreadIoEventLoopGroup group;
    private EventLoop loop;
    private Ring ring;
    private ServerSocket server;

    static boolean isThere() {
        if (!Epoll.isAvailable()) {
            return false;
        }
        try {
            Ring.require();
            return true;
        } catch (UnsupportedOperationException e) {
            return false;
        }
    }

    @BeforeEach
    void start() throws IOException {
        group = new MultiThreadIoEventLoopGroup(1, loop -> rings.computeIfAbsent(loop, any -> new Ring(loop)));
        loop = group.next();
        ring = rings.get(loop);
        server = new ServerSocket(0, 4096, InetAddress.getLoopbackAddress());
    }

    @AfterEach
    void stop() throws IOException {
        group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
        for (Socket peer : peers) {
            peer.close();
        }
        server.close();
    }

    /** Counts its completions; receives again as long as there is something. */
    private final class Reader extends Submitter {
        private final int fd;
        private final AtomicInteger bytes = new AtomicInteger();
        private final AtomicInteger completions = new AtomicInteger();
        private final AtomicInteger faults = new AtomicInteger();
        private volatile boolean throwing;
        private volatile int lastResult;
        private final AtomicInteger sends = new AtomicInteger();

        Reader(int fd) {
            this.fd = fd;
        }

        @Override
        protected void onFault(Throwable fault) {
            faults.incrementAndGet();
        }

        @Override
        protected void onCompletion(int kind, int result, int flags) {
            completions.incrementAndGet();
            if (throwing) {
                throw new AssertionError("thrown by the test");
            }
            lastResult = result;
            if ((flags & Ring.CQE_F_BUFFER) != 0) {
                ring.recycle(flags >>> 16);
            }
            if (result == -105) {
                ring.awaitBuffers(this);
            } else if (kind == READ && result > 0) {
                bytes.addAndGet(result);
                ring.receive(this, READ, fd, (flags & Ring.CQE_F_SOCK_NONEMPTY) == 0);
            }
        }

        @Override
        protected void onShortSend(int result) {
            lastResult = result;
        }

        @Override
        protected void onSent() {
            sends.incrementAndGet();
        }

        @Override
        protected void onBuffersAvailable() {
            ring.receive(this, READ, fd, false);
        }
    }

    private <T> T onLoop(Callable<T> task) {
        return loop.submit(task).syncUninterruptibly().getNow();
    }

    /** A socket of ours; its peer is the last of {@link #peers}. */
    private int connect() throws IOException {
        int fd = new TcpCalls().open(false);
        InetSocketAddress to = (InetSocketAddress) server.getLocalSocketAddress();
        new TcpCalls().connect(fd, to.getAddress(), to.getPort());
        peers.add(server.accept());
        return fd;
    }

    private Reader reader(int fd) {
        return onLoop(() -> {
            Reader reader = new Reader(fd);
            ring.register(reader);
            return reader;
        });
    }

    @Test
    void more_may_be_submitted_at_once_than_the_queue_has_room_for() throws IOException {
        FileDescriptor event = Native.newEventFd();
        List<Reader> readers = onLoop(() -> {
            List<Reader> all = new ArrayList<>();
            for (int i = 0; i < 3000; i++) {
                Reader reader = new Reader(event.intValue());
                ring.register(reader);
                ring.poll(reader, 2, event.intValue(), Ring.POLLIN, false);
                all.add(reader);
            }
            return all;
        });
        Native.eventFdWrite(event.intValue(), 1);
        await().untilAsserted(() -> assertThat(readers).allMatch(reader -> reader.completions.get() == 1));
        event.close();
    }

    @Test
    void what_one_submitter_throws_does_not_stop_the_others() throws IOException {
        Reader faulty = reader(connect());
        faulty.throwing = true;
        Reader other = reader(connect());
        onLoop(() -> {
            ring.poll(faulty, 2, faulty.fd, Ring.POLLIN, false);
            ring.receive(other, READ, other.fd, false);
            return null;
        });
        for (Socket peer : peers) {
            peer.getOutputStream().write(1);
        }
        await().untilAsserted(() -> assertThat(faulty.faults).hasValue(1));
        await().untilAsserted(() -> assertThat(other.bytes).hasValue(1));
    }

    @Test
    void a_receive_that_is_cancelled_completes_and_reads_nothing() throws IOException {
        Reader reader = reader(connect());
        onLoop(() -> {
            ring.receive(reader, READ, reader.fd, false);
            return null;
        });
        onLoop(() -> {
            ring.cancel(reader, READ);
            return null;
        });
        await().untilAsserted(() -> assertThat(reader.lastResult).isEqualTo(-125));
        peers.getLast().getOutputStream().write(1);
        onLoop(() -> {
            ring.receive(reader, READ, reader.fd, false);
            return null;
        });
        await().untilAsserted(() -> assertThat(reader.bytes).hasValue(1));
    }

    @Test
    void a_receive_without_a_buffer_goes_on_when_others_have_recycled_theirs() throws IOException {
        List<Reader> readers = new ArrayList<>();
        for (int i = 0; i < 300; i++) {
            readers.add(reader(connect()));
            peers.getLast().getOutputStream().write(new byte[100]);
        }
        onLoop(() -> {
            readers.forEach(reader -> ring.receive(reader, READ, reader.fd, false));
            return null;
        });
        await().untilAsserted(() -> assertThat(readers).allMatch(reader -> reader.bytes.get() == 100));
        assertThat(readers).as("the test is of use only if some have to wait")
                .anyMatch(reader -> reader.completions.get() > 1);
    }

    @Test
    void a_send_that_is_taken_as_a_whole_has_no_completion() throws IOException {
        Reader writer = reader(connect());
        ByteBuffer bytes = ByteBuffer.allocateDirect(1000);
        onLoop(() -> {
            ring.send(writer, writer.fd, address(bytes), 1000);
            return null;
        });
        await().untilAsserted(() -> assertThat(writer.sends).hasValue(1));
        assertThat(writer.lastResult).isZero();
        assertThat(peers.getLast().getInputStream().readNBytes(1000)).hasSize(1000);
    }

    @Test
    void a_send_that_is_not_taken_as_a_whole_reports_how_much_was() throws IOException {
        Reader writer = reader(connect());
        int length = 64 * 1024 * 1024;
        ByteBuffer bytes = ByteBuffer.allocateDirect(length);
        onLoop(() -> {
            ring.send(writer, writer.fd, address(bytes), length);
            return null;
        });
        await().untilAsserted(() -> assertThat(writer.sends).hasValue(1));
        assertThat(writer.lastResult).isPositive().isLessThan(length);
        assertThat(peers.getLast().getInputStream().readNBytes(writer.lastResult)).hasSize(writer.lastResult);
    }

    @Test
    void closing_cancels_what_is_in_flight_and_frees_the_slot() throws IOException {
        for (int i = 0; i < 2000; i++) {
            Reader reader = reader(connect());
            InputStream peer = peers.removeLast().getInputStream();
            onLoop(() -> {
                ring.receive(reader, READ, reader.fd, true);
                ring.poll(reader, 2, reader.fd, Ring.POLLERR, true);
                return null;
            });
            onLoop(() -> {
                ring.close(reader, reader.fd);
                return null;
            });
            assertThat(peer.read()).isEqualTo(-1);
            peer.close();
        }
        assertThat(onLoop(() -> ring.slots())).isLessThan(20);
    }

    @Test
    void a_submitter_that_was_never_registered_can_close_and_takes_no_slot() throws IOException {
        int fd = connect();
        Reader stranger = new Reader(fd);
        onLoop(() -> {
            ring.close(stranger, fd);
            return null;
        });
        assertThat(peers.getLast().getInputStream().read()).isEqualTo(-1);
        Reader reader = reader(connect());
        onLoop(() -> {
            ring.receive(reader, READ, reader.fd, true);
            return null;
        });
        for (int i = 0; i < 100; i++) {
            assertThat(loop.submit(() -> 7).awaitUninterruptibly(10, TimeUnit.SECONDS)).isTrue();
        }
        assertThat(reader.completions).as("completions of operations that were not submitted").hasValue(0);
    }

    @Test
    void a_task_of_another_thread_wakes_an_event_loop_that_waits() {
        for (int i = 0; i < 1000; i++) {
            assertThat(loop.submit(() -> 7).awaitUninterruptibly(10, TimeUnit.SECONDS)).isTrue();
        }
    }

    private static long address(ByteBuffer bytes) {
        return MemorySegment.ofBuffer(bytes).address();
    }
}
