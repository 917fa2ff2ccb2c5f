package io.sluice.http;

/**
 * Answers one path.
 *
 * @param kind     which hosts are allowed, and where the response is made
 * @param answerer makes the responses
 */
public record Route(Kind kind, Answerer answerer) {

    /** The two kinds of routes. */
    public enum Kind {
        /**
         * Short, answered at once on the server's event loop, whatever the load, and for any {@code Host}: load balancers send
         * any name. It must not block, and must not contain anything that is not public.
         */
        PROBE,
        /** May take its time: made on a virtual thread, a few at once, and only for an {@link AllowedHosts allowed} name. */
        VIEW
    }

    /** Makes responses. */
    @FunctionalInterface
    public interface Answerer {

        /**
         * Answers one request; anything thrown is answered with 500.
         *
         * @throws Request.BadRequestException to answer with 400 and its message
         */
        Response answer(Request request);
    }

    /** A {@link Kind#PROBE}. */
    public static Route probe(Answerer answerer) {
        return new Route(Kind.PROBE, answerer);
    }

    /** A {@link Kind#VIEW}. */
    public static Route view(Answerer answerer) {
        return new Route(Kind.VIEW, answerer);
    }
}
