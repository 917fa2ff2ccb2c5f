package io.sluice.it.testbed;

import io.netty.channel.epoll.Epoll;
import io.netty.channel.uring.IoUring;
import io.sluice.proxy.Transport;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * A test that runs once for every {@link Transport} that this machine has; it takes it as its parameter.
 *
 * <p>io_uring is left out unless {@code -Dsluice.it.transport=IO_URING} asks for it: with Netty 4.2.18 about one
 * connection in a thousand that was paused for a slow reader stands still ({@code InterleavingIT} shows it).
 */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest
@MethodSource("io.sluice.it.testbed.EachTransport$Available#transports")
public @interface EachTransport {

    /** What is there; {@code -Dsluice.it.transport=NIO} asks for one. */
    final class Available {

        private Available() {}

        static Stream<Transport> transports() {
            String only = System.getProperty("sluice.it.transport", "");
            return Stream.of(Transport.EPOLL, Transport.IO_URING, Transport.NIO).filter(Available::has)
                    .filter(transport -> only.isEmpty()
                            ? transport != Transport.IO_URING
                            : only.equals(transport.name()));
        }

        private static boolean has(Transport transport) {
            return switch (transport) {
                case AUTO, NIO -> true;
                case EPOLL -> Epoll.isAvailable();
                case IO_URING -> IoUring.isAvailable();
            };
        }
    }
}
