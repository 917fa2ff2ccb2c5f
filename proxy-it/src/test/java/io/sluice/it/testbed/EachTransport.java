package io.sluice.it.testbed;

import io.sluice.proxy.Transport;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A test that runs once for every {@link Transport} that this machine has; it takes it as its parameter. */
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
            return Stream.of(Transport.EPOLL, Transport.IO_URING, Transport.NIO).filter(Transport::available)
                    .filter(transport -> only.isEmpty() || only.equals(transport.name()));
        }
    }
}
