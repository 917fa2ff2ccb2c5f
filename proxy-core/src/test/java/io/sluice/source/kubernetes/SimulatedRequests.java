package io.sluice.source.kubernetes;

import io.sluice.simulation.Fiber;
import io.sluice.simulation.World;
import io.sluice.source.kubernetes.SimulatedApiServer.ServerCheck;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/** The requests of one fiber, at the address that the real locator chooses. */
record SimulatedRequests(SimulatedApiServer api, World world, Fiber fiber, ApiServerLocator locator,
        ServerCheck servers) implements ApiRequests {

    @Override
    public String nextServer() {
        return locator.server(world.nanoTime());
    }

    @Override
    public int failed(String server) {
        return locator.failed(server, world.nanoTime());
    }

    @Override
    public InputStream get(String server, String path, Duration longestSilence, Duration longest) throws IOException {
        servers.asks(server);
        return api.respond(fiber, path, longestSilence);
    }

    @Override
    public InputStream watch(String server, String path, Duration longestSilence, Duration longest)
            throws IOException {
        servers.asks(server);
        return api.respond(fiber, path, longestSilence);
    }

    @Override
    public void renew(boolean refused) {
        // The credentials are the same.
    }

    @Override
    public boolean shouldLog(String trouble, long now, Duration reminder) {
        return false;
    }

    @Override
    public boolean shouldLogGone(long now) {
        return false;
    }

    @Override
    public void recovered() {
        // Nothing was logged.
    }

    @Override
    public String origin() {
        return "the simulation";
    }
}
