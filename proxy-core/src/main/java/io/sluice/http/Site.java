package io.sluice.http;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The routes of one address. Immutable; any thread.
 */
public final class Site {

    private final Map<String, Route> routes;
    private final Optional<Route> everything;
    private final AllowedHosts hosts;

    private Site(Map<String, Route> routes, Optional<Route> everything, AllowedHosts hosts) {
        this.routes = routes;
        this.everything = everything;
        this.hosts = hosts;
    }

    /**
     * Serves {@code GET} and {@code HEAD} of some paths; connections may stay for the next request.
     *
     * @param routes by exact path
     * @param hosts  the host names for which views are served
     */
    public static Site of(Map<String, Route> routes, AllowedHosts hosts) {
        return new Site(Map.copyOf(routes), Optional.empty(), hosts);
    }

    /** A site with the same answer to every path and method, after which the connection ends. */
    public static Site always(Route.Answerer probe) {
        return new Site(Map.of(), Optional.of(Route.probe(probe)), new AllowedHosts(List.of(), ""));
    }

    Optional<Route> route(String path) {
        return everything.or(() -> Optional.ofNullable(routes.get(path)));
    }

    /** Whether it has the same answer to all, and ends the connection. */
    boolean isOneAnswer() {
        return everything.isPresent();
    }

    AllowedHosts hosts() {
        return hosts;
    }
}
