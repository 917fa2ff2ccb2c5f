package io.sluice.history;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import io.sluice.text.Printable;
import java.net.InetSocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One change that was applied. Immutable; every text in it is of {@value #LONGEST} characters at the most. */
public sealed interface Change {

    /** The most characters of a text. */
    int LONGEST = 512;

    /** A stable word for programs, such as {@code EndpointAdded}. */
    default String type() {
        return getClass().getSimpleName();
    }

    /** The Service that has changed; null for a change of the daemon itself. */
    default @Nullable ServiceName service() {
        ServicePortName port = port();
        return port == null ? null : port.service();
    }

    /** The port that has changed; null for a whole Service and for the daemon. */
    default @Nullable ServicePortName port() {
        return null;
    }

    /** The endpoint that has changed; null for none. */
    default @Nullable EndpointAddress endpoint() {
        return null;
    }

    /** One line for a person, without the Service's name. */
    String message();

    /** The name of what has changed: a port, a Service, or {@code sluice} itself. */
    default String subject() {
        Object named = port() == null ? service() : port();
        return named == null ? "sluice" : named.toString();
    }

    /**
     * The first snapshot was applied. What was in it is no change.
     *
     * @param services how many Services it has
     */
    record Started(int services) implements Change {
        @Override
        public String message() {
            return services + (services == 1 ? " Service is" : " Services are") + " known and applied";
        }
    }

    /** A Service is new. */
    record ServiceAdded(ServiceName service, String about) implements Change {
        public ServiceAdded {
            about = Printable.cut(about, LONGEST);
        }

        @Override
        public String message() {
            return "added: " + about;
        }
    }

    /** A Service is gone. */
    record ServiceRemoved(ServiceName service) implements Change {
        @Override
        public String message() {
            return "removed";
        }
    }

    /**
     * Fields of a Service have changed.
     *
     * @param fields each with its old and new value, {@code ports 80/TCP → 81/TCP}
     */
    record ServiceChanged(ServiceName service, List<String> fields) implements Change {
        public ServiceChanged {
            fields = List.of(Printable.cut(String.join("; ", fields), LONGEST));
        }

        @Override
        public String message() {
            return "changed: " + String.join("; ", fields);
        }
    }

    /** A port has no endpoint any more that takes connections. */
    record PortEmptied(ServicePortName port, String reason) implements Change {
        public PortEmptied {
            reason = Printable.cut(reason, LONGEST);
        }

        @Override
        public String message() {
            return "has no endpoint, connections are refused: " + reason;
        }
    }

    /** A port that had no endpoint has one. */
    record PortFilled(ServicePortName port) implements Change {
        @Override
        public String message() {
            return "has endpoints, connections are taken";
        }
    }

    /**
     * An endpoint of a port has changed.
     *
     * @param pod    the Pod behind it; null if none is known
     * @param detail more for a person; may be empty
     */
    record EndpointChange(ServicePortName port, EndpointAddress endpoint, @Nullable String pod, Step step,
            String detail)
            implements Change {

        public EndpointChange {
            pod = pod == null ? null : Printable.cut(pod, LONGEST);
            detail = Printable.cut(detail, LONGEST);
        }

        @Override
        public String type() {
            return step.type;
        }

        @Override
        public String message() {
            return endpoint + (pod == null ? "" : " (pod " + pod + ")") + " " + step.words
                    + (detail.isEmpty() ? "" : ": " + detail);
        }
    }

    /** What happened to an endpoint. */
    enum Step {
        /** It was added. */
        ADDED("EndpointAdded", "added"),
        /** It was removed. */
        REMOVED("EndpointRemoved", "removed"),
        /** It is ready. */
        READY("EndpointReady", "is ready"),
        /** It is not ready. */
        NOT_READY("EndpointNotReady", "is not ready"),
        /** It is being deleted. */
        TERMINATING("EndpointTerminating", "is terminating"),
        /** Something else that is known of it differs. */
        CHANGED("EndpointChanged", "changed"),
        /** It does not answer and gets no connections until it does. */
        EJECTED("EndpointEjected", "does not answer and is ejected until it does"),
        /** It does not answer and gets connections all the same. */
        SILENT("EndpointSilent", "does not answer and is not ejected"),
        /** It answers again, or is to be tried again. */
        BACK("EndpointBack", "is back"),
        /** It fails its health check and gets no connections until it passes. */
        FAILS_CHECK("EndpointUnhealthy", "fails its health check"),
        /** It passes its health check again. */
        PASSES_CHECK("EndpointHealthy", "passes its health check"),
        /** An operator has drained it: it gets no new connections. */
        DRAINED("EndpointDrained", "is drained by hand"),
        /** It is drained no more. */
        UNDRAINED("EndpointUndrained", "is drained by hand no more"),
        /** An operator has ejected it. */
        EJECTED_BY_HAND("EndpointEjected", "is ejected by hand"),
        /** It is ejected by hand no more. */
        UNEJECTED("EndpointBack", "is ejected by hand no more"),
        /** An operator has given it a weight. */
        WEIGHTED("EndpointWeighted", "has another weight by hand"),
        /** It has the weight of its Service's annotation. */
        UNWEIGHTED("EndpointWeighted", "has the weight of its Service's annotation again");

        private final String type;
        private final String words;

        Step(String type, String words) {
            this.type = type;
            this.words = words;
        }
    }

    /** An address of a port cannot be listened on. */
    record ListenerFailed(ServicePortName port, InetSocketAddress address, String problem) implements Change {
        public ListenerFailed {
            problem = Printable.cut(problem, LONGEST);
        }

        @Override
        public String message() {
            return "not served" + (problem.startsWith(display(address)) ? ": " : " at " + display(address) + ": ")
                    + problem;
        }
    }

    /**
     * An address of a port failed and does not any more.
     *
     * @param listening false if it need not be listened on
     */
    record ListenerHealed(ServicePortName port, InetSocketAddress address, boolean listening) implements Change {
        @Override
        public String message() {
            return listening
                    ? "served at " + display(address) + " now"
                    : display(address) + " need not be served any more";
        }
    }

    /**
     * More addresses failed, or do not any more, than are worth an event each.
     *
     * @param failed whether they failed
     */
    record MoreListeners(int count, boolean failed) implements Change {
        @Override
        public String type() {
            return failed ? "ListenerFailed" : "ListenerHealed";
        }

        @Override
        public String message() {
            return count + " more addresses are " + (failed ? "not served" : "served now, or need not be")
                    + "; 'sluice get services -A -o wide' lists all";
        }
    }

    /** The source's view may be out of date; what was applied last stays in force. */
    record SourceStale(String detail) implements Change {
        public SourceStale {
            detail = Printable.cut(detail, LONGEST);
        }

        @Override
        public String message() {
            return "the source is out of date: " + detail;
        }
    }

    /** The source's view is up to date again. */
    record SourceFresh(String detail) implements Change {
        public SourceFresh {
            detail = Printable.cut(detail, LONGEST);
        }

        @Override
        public String message() {
            return "the source is up to date: " + detail;
        }
    }

    /**
     * The listening sockets have another owner, or are shared with another process.
     *
     * @param step one line for a person
     */
    record HandOver(String step) implements Change {
        public HandOver {
            step = Printable.cut(step, LONGEST);
        }

        @Override
        public String message() {
            return step;
        }
    }

    /**
     * An operator did something by hand that is not about an endpoint.
     *
     * @param type    a stable word for programs
     * @param service the Service that it is about; null for none
     * @param message one line for a person
     */
    record ByHand(String type, @Nullable ServiceName service, String message) implements Change {
        public ByHand {
            message = Printable.cut(message, LONGEST);
        }
    }

    private static String display(InetSocketAddress address) {
        return IpAddresses.format(address.getAddress(), address.getPort());
    }
}
