package io.sluice.operator;

import io.sluice.history.Change;
import io.sluice.metrics.AccessLog;
import io.sluice.operator.OperatorCommand.Access;
import io.sluice.operator.OperatorCommand.Give;
import io.sluice.operator.OperatorCommand.Kill;
import io.sluice.operator.OperatorCommand.Level;
import io.sluice.operator.OperatorCommand.TakeBack;
import io.sluice.proxy.ConnectionFilter;
import io.sluice.proxy.DataPath;
import io.sluice.reconcile.HandOrders;
import io.sluice.reconcile.LogOrders;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.time.Clock;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries out what operators order. Any thread; nothing here waits. */
public final class Operator {

    private static final Logger LOG = LoggerFactory.getLogger(Operator.class);

    private final HandOrders orders;
    private final DataPath dataPath;
    private final LogOrders log;

    /** Over the parts of one daemon. */
    public Operator(HandOrders orders, DataPath dataPath, AccessLog accessLog, LogSwitch logs) {
        this.orders = orders;
        this.dataPath = dataPath;
        this.log = new LogOrders(logs::level, accessLog::switchTo, orders::later, Clock.systemUTC(),
                what -> record(new Change.ByHand("LogOrderEnded", null, what + " (its time is over)")));
        orders.log(log);
    }

    /**
     * Carries out one command.
     *
     * @param by who ordered it, for people
     * @return the answer, as fields of JSON; fails with an exception whose message is for the operator
     */
    CompletableFuture<Map<String, Object>> carryOut(OperatorCommand command, String by) {
        return switch (command) {
            case Give give -> orders.give(new HandOrders.Wanted(give.target(), give.service(), give.kind(),
                    give.weight(), give.lasts(), give.resetAfter(), by)).thenApply(Operator::done);
            case TakeBack back -> orders.takeBack(back.target(), back.service(), back.weights(), by)
                    .thenApply(Operator::done);
            case Kill kill -> (kill.endpoint() == null
                    ? CompletableFuture.completedFuture(Set.<EndpointAddress>of())
                    : orders.addresses(kill.endpoint(), kill.service()))
                    .thenCompose(endpoints -> dataPath.kill(new ConnectionFilter(kill.id(),
                            kill.service() == null ? null : kill.service().namespace(),
                            kill.service() == null ? null : kill.service().name(), null,
                            endpoints, kill.client(), kill.clientPort())))
                    .thenApply(killed -> killed(kill, killed, by));
            case Level level -> {
                log.level(level.level(), level.logger(), level.lasts());
                record(new Change.ByHand("LogLevelChanged", null, "what is logged from now on: " + level.level()
                        + (level.logger() == null ? "" : " of " + level.logger()) + lasts(level.lasts()) + " (by " + by
                        + ")"));
                yield CompletableFuture.completedFuture(Map.of());
            }
            case Access access -> {
                log.accessLog(access.on(), access.lasts());
                record(new Change.ByHand("AccessLogSwitched", null, "the access log is " + (access.on() ? "on" : "off")
                        + lasts(access.lasts()) + " (by " + by + ")"));
                yield CompletableFuture.completedFuture(Map.of());
            }
        };
    }

    private static String lasts(@Nullable Duration lasts) {
        return lasts == null ? "" : ", for " + lasts.toString().substring(2).toLowerCase(Locale.ROOT);
    }

    private Map<String, Object> killed(Kill kill, int killed, String by) {
        if (killed > 0) {
            StringBuilder which = new StringBuilder();
            which.append(kill.id() == 0 ? "" : ", number " + kill.id());
            which.append(kill.endpoint() == null ? "" : ", to " + kill.endpoint());
            which.append(kill.client() == null
                    ? ""
                    : ", of " + (kill.clientPort() == 0
                            ? IpAddresses.format(kill.client())
                            : IpAddresses.format(kill.client(), kill.clientPort())));
            record(new Change.ByHand("ConnectionsKilled", kill.service(),
                    "connections that were ended: " + killed + which + " (by " + by + ")"));
        }
        return Map.of("killed", killed);
    }

    private void record(Change change) {
        LOG.info("{}: {}", change.subject(), change.message());
        orders.record(change);
    }

    private static Map<String, Object> done(List<HandOrders.Done> all) {
        return Map.of("done", all.stream().map(one -> {
            Map<String, Object> row = new LinkedHashMap<>();
            row.put("port", one.port().toString());
            row.put("endpoint", one.endpoint().toString());
            if (one.pod() != null) {
                row.put("pod", one.pod());
            }
            row.put("effect", one.effect());
            return row;
        }).toList());
    }
}
