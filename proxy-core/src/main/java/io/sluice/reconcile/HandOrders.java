package io.sluice.reconcile;

import io.sluice.balance.Order;
import io.sluice.balance.Order.Kind;
import io.sluice.balance.Orders;
import io.sluice.history.Change;
import io.sluice.history.Change.EndpointChange;
import io.sluice.history.Change.Step;
import io.sluice.proxy.ConnectionFilter;
import io.sluice.service.BalancerKind;
import io.sluice.service.Endpoint;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpFamily;
import io.sluice.balance.Traffic;
import io.sluice.service.ServiceName;
import io.sluice.service.ServicePortName;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out what operators order by hand for endpoints, and ends it when its time is over. {@link Orders} says what is in
 * force, {@code Routing} what follows from it. Any thread may ask; the control thread does it.
 */
public final class HandOrders {

    private static final Logger LOG = LoggerFactory.getLogger(HandOrders.class);

    /** The orders in one message to the next process. */
    private static final int IN_A_MESSAGE = 128;

    /**
     * What an operator wants for endpoints.
     *
     * @param target     an address with a port, an IP address, or a Pod with or without its namespace
     * @param service    only endpoints of this Service; null for all
     * @param weight     of a {@link Kind#WEIGHT}
     * @param lasts      null for as long as the endpoint is one of its Service
     * @param resetAfter how long connections of a drained endpoint may go on; null for as long as they like
     * @param by         who it is, for people
     */
    public record Wanted(String target, @Nullable ServiceName service, Kind kind, int weight, @Nullable Duration lasts,
            @Nullable Duration resetAfter, String by) {}

    /**
     * What has become of it for one endpoint of one port.
     *
     * @param effect for people, to be put after the endpoint's name
     */
    public record Done(ServicePortName port, EndpointAddress endpoint, @Nullable String pod, String effect) {}

    /** An endpoint of a port. */
    private record Place(RoutedPort port, Endpoint endpoint) {}

    private interface Answer<T> {
        T take() throws OrderException;
    }

    private final ServicePorts ports;
    private final HistoryWriter history;
    private final ControlThread control;
    private final Clock clock;
    private final Supplier<Ownership> ownership;
    private final Consumer<Set<ServicePortName>> rerouted;
    private final Consumer<ConnectionFilter> killer;
    private volatile @Nullable LogOrders log;
    private long timers;

    /**
     * Nothing is ordered.
     *
     * @param rerouted gets ports whose endpoints differ; an empty set if they may have to listen elsewhere
     * @param killer   ends connections
     */
    HandOrders(ServicePorts ports, HistoryWriter history, ControlThread control, Clock clock,
            Supplier<Ownership> ownership, Consumer<Set<ServicePortName>> rerouted,
            Consumer<ConnectionFilter> killer) {
        this.ports = ports;
        this.history = history;
        this.control = control;
        this.clock = clock;
        this.ownership = ownership;
        this.rerouted = rerouted;
        this.killer = killer;
    }

    /** What is in force. Any thread. */
    public Orders inForce() {
        return ports.orders();
    }

    /** Carries it out; the future fails with an {@link OrderException}. Any thread. */
    public CompletableFuture<List<Done>> give(Wanted wanted) {
        return onControl(() -> {
            List<Place> places = places(wanted.target(), wanted.service());
            requireWeights(wanted, places);
            Instant now = clock.instant();
            Instant until = wanted.lasts() == null ? null : now.plus(wanted.lasts());
            List<Order> given = places.stream().map(place -> new Order(place.port().name(),
                    place.endpoint().address(), wanted.kind(), wanted.weight(), now, until, wanted.by())).toList();
            apply(inForce().with(given).orElseThrow(() -> new OrderException(
                    "more than " + Orders.MOST + " orders would be in force: take some back first")));
            given.forEach(order -> tell(order, switch (order.kind()) {
                case DRAIN -> Step.DRAINED;
                case EJECT -> Step.EJECTED_BY_HAND;
                case WEIGHT -> Step.WEIGHTED;
            }, who(order)));
            if (wanted.resetAfter() != null) {
                killLater(given, wanted.resetAfter());
            }
            return places.stream().map(place -> done(place, wanted)).toList();
        });
    }

    /**
     * Takes back what is ordered for endpoints; the future fails with an {@link OrderException}. Any thread.
     *
     * @param weights whether the weights are meant, else whether they are drained or ejected
     * @return what was taken back; empty if nothing was ordered
     */
    public CompletableFuture<List<Done>> takeBack(String target, @Nullable ServiceName service, boolean weights,
            String by) {
        return onControl(() -> {
            Set<EndpointAddress> known = new LinkedHashSet<>();
            EndpointTarget meant = EndpointTarget.of(target);
            Predicate<Order> goes = order -> (order.kind() == Kind.WEIGHT) == weights
                    && (service == null || service.equals(order.port().service()))
                    && (meant.means(order.endpoint()) || known.contains(order.endpoint()));
            if (meant.literal() == null || inForce().all().stream().noneMatch(goes)) {
                places(target, service).forEach(place -> known.add(place.endpoint().address()));
            }
            List<Order> ended = inForce().all().stream().filter(goes).toList();
            apply(inForce().without(goes));
            ended.forEach(order -> tellEnd(order, "taken back by " + by));
            return ended.stream().map(order -> new Done(order.port(), order.endpoint(), pod(order),
                    switch (order.kind()) {
                        case DRAIN -> "is drained no more";
                        case EJECT -> "is ejected by hand no more";
                        case WEIGHT -> "has the weight of its Service's annotation again";
                    })).toList();
        });
    }

    /**
     * The addresses of endpoints, a port of 0 meaning each of its ports; the future fails with an {@link OrderException}. Any
     * thread.
     */
    public CompletableFuture<Set<EndpointAddress>> addresses(String target, @Nullable ServiceName service) {
        return onControl(() -> {
            EndpointAddress literal = EndpointTarget.of(target).literal();
            if (literal != null) {
                return Set.of(literal);
            }
            Set<EndpointAddress> addresses = new LinkedHashSet<>();
            places(target, service).forEach(place -> addresses.add(place.endpoint().address()));
            return addresses;
        });
    }

    /** Writes into the journal what an operator has done otherwise. Any thread. */
    public void record(Change change) {
        control.execute(() -> history.record(change));
    }

    /** Everything in force, for the next process. Any thread. */
    public List<byte[]> messages() {
        List<Order> all = inForce().all();
        List<byte[]> messages = new ArrayList<>();
        for (int i = 0; i < all.size(); i += IN_A_MESSAGE) {
            messages.add(OrderFormat.write(all.subList(i, Math.min(all.size(), i + IN_A_MESSAGE))));
        }
        if (log != null) {
            log.message().ifPresent(messages::add);
        }
        return messages;
    }

    /** Does {@code task} after a while, on the control thread. Any thread. */
    public void later(Runnable task, Duration after) {
        control.schedule(task, Math.max(1, after.toNanos()));
    }

    /** What operators order of the log goes along with the rest to the next process. Before any of it. */
    public void log(LogOrders orders) {
        log = orders;
    }

    /**
     * Puts what the process before this one had in force in the place of everything. Any thread.
     *
     * @throws IOException if it is not understood; then nothing has changed
     */
    public CompletableFuture<Void> resume(List<byte[]> messages) throws IOException {
        List<Order> orders = new ArrayList<>();
        String ofLog = "";
        for (byte[] message : messages) {
            if (!LogOrders.isMessage(message)) {
                orders.addAll(OrderFormat.read(message));
            } else if (log != null) {
                ofLog = log.resume(message);
            }
        }
        String said = ofLog;
        Orders next = Orders.NONE.with(orders).orElseThrow(() -> new IOException("there are too many orders"));
        return CompletableFuture.runAsync(() -> {
            apply(next);
            if (!orders.isEmpty()) {
                history.record(new Change.HandOver("orders of operators that go on in this process: " + orders.size()));
            }
            if (!said.isEmpty()) {
                history.record(
                        new Change.HandOver("what operators have ordered of the log goes on in this process: " + said));
            }
        }, control);
    }

    /** These orders have gone with their endpoints. Control thread. */
    void gone(List<Order> orders) {
        orders.forEach(order -> tellEnd(order, "the endpoint is gone"));
    }

    private void apply(Orders next) {
        Set<ServicePortName> differing = next.differing(inForce());
        if (differing.isEmpty() && next.all().equals(inForce().all())) {
            return;
        }
        boolean sameTraffic = ports.order(next);
        expireLater(next);
        rerouted.accept(sameTraffic ? differing : Set.of());
    }

    private void expireLater(Orders next) {
        long timer = ++timers;
        next.nextEnd().ifPresent(end -> control.schedule(() -> {
            if (timer == timers) {
                expire();
            }
        }, Math.max(1, Duration.between(clock.instant(), end).toNanos())));
    }

    private void expire() {
        List<Order> ended = inForce().ended(clock.instant());
        if (ended.isEmpty()) {
            expireLater(inForce());
            return;
        }
        Set<Order> over = Set.copyOf(ended);
        apply(inForce().without(over::contains));
        ended.forEach(order -> tellEnd(order, "its time is over"));
    }

    /** Connections of endpoints that are still drained by the same order then. */
    private void killLater(List<Order> given, Duration after) {
        control.schedule(() -> given.stream().filter(inForce().all()::contains)
                .forEach(order -> killer.accept(ConnectionFilter.of(order.port(), order.endpoint()))),
                after.toNanos());
    }

    private List<Place> places(String target, @Nullable ServiceName service) throws OrderException {
        EndpointTarget meant = EndpointTarget.of(target);
        List<Place> places = new ArrayList<>();
        ports.all().stream().filter(port -> service == null || service.equals(port.name().service()))
                .sorted(Comparator.comparing(RoutedPort::name)).forEach(port -> port.state().endpoints().endpoints()
                        .stream().filter(endpoint -> meant.means(port.name(), endpoint))
                        .forEach(endpoint -> places.add(new Place(port, endpoint))));
        String of = service == null ? " of a Service" : " of " + service;
        if (places.isEmpty()) {
            throw new OrderException("no endpoint" + of + " is " + target
                    + ": 'sluice get endpoints -A -o wide' lists them; a pod or an address with or without port will do");
        }
        Set<String> namespaces = new LinkedHashSet<>();
        places.forEach(place -> namespaces.add(place.port().name().service().namespace()));
        if (meant.pod() != null && namespaces.size() > 1) {
            throw new OrderException("there is a pod " + target + " in the namespaces " + String.join(", ", namespaces)
                    + ": say " + namespaces.iterator().next() + "/" + target);
        }
        return places;
    }

    private static void requireWeights(Wanted wanted, List<Place> places) throws OrderException {
        for (Place place : places) {
            BalancerKind kind = place.port().ownBalancer();
            if (wanted.kind() == Kind.WEIGHT && kind != BalancerKind.ROUND_ROBIN
                    && kind != BalancerKind.WEIGHTED_ROUND_ROBIN) {
                throw new OrderException(place.port().name() + " is balanced by " + kind.word()
                        + ", which has no weights: they need round-robin or weighted-round-robin");
            }
        }
    }

    private Done done(Place place, Wanted wanted) {
        RoutedPort port = place.port();
        EndpointAddress address = place.endpoint().address();
        int open = port.open(address);
        String left = open == 0 ? "it has no connection" : open + (open == 1 ? " connection goes on" : " go on")
                + (wanted.resetAfter() == null ? "" : " for " + wanted.resetAfter().toSeconds() + " s");
        String effect = switch (wanted.kind()) {
            case DRAIN -> "is drained: it gets no new connections, " + left + (servesAny(port)
                    ? ""
                    : "; NO ENDPOINT IS LEFT: new connections of " + port.name() + " are refused");
            case EJECT -> port.leftOut(address)
                    ? "is ejected: it gets no new connections, " + left
                    : "gets connections all the same: never the last, and no more than --eject-max-share may be out";
            case WEIGHT -> "has the weight " + wanted.weight();
        };
        return new Done(port.name(), address, place.endpoint().target(), effect);
    }

    private static boolean servesAny(RoutedPort port) {
        for (IpFamily family : IpFamily.values()) {
            for (Traffic traffic : Traffic.values()) {
                if (port.takes(family, traffic)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static String who(Order order) {
        return "by " + order.by() + (order.kind() == Kind.WEIGHT ? ", " + order.weight() : "")
                + (order.until() == null ? "" : ", until " + order.until().truncatedTo(ChronoUnit.SECONDS));
    }

    private void tellEnd(Order order, String why) {
        tell(order, switch (order.kind()) {
            case DRAIN -> Step.UNDRAINED;
            case EJECT -> Step.UNEJECTED;
            case WEIGHT -> Step.UNWEIGHTED;
        }, why);
    }

    private void tell(Order order, Step step, String detail) {
        EndpointChange change = new EndpointChange(order.port(), order.endpoint(), pod(order), step, detail);
        history.record(change);
        NamedLine.of(order.port(), order.endpoint(), order.port() + ": " + change.message()).log(LOG.atInfo());
    }

    private @Nullable String pod(Order order) {
        RoutedPort port = ports.find(order.port());
        return port == null ? null : port.pod(order.endpoint());
    }

    private <T> CompletableFuture<T> onControl(Answer<T> step) {
        CompletableFuture<T> result = new CompletableFuture<>();
        try {
            control.execute(() -> {
                try {
                    switch (ownership.get()) {
                        case OWN, SHARED -> result.complete(step.take());
                        case STANDBY, OFFERED, YIELDED -> result.completeExceptionally(
                                new OrderException("another daemon is taking over right now: try again in a moment"));
                        case ENDED -> result.completeExceptionally(new OrderException("this daemon ends"));
                    }
                } catch (OrderException e) {
                    result.completeExceptionally(e);
                } catch (RuntimeException | Error e) {
                    result.completeExceptionally(e);
                    throw e;
                }
            });
        } catch (RejectedExecutionException e) {
            result.completeExceptionally(new OrderException("this daemon ends"));
        }
        return result;
    }
}
