package io.sluice.http;

/**
 * Answers one path.
 *
 * @param kind     who may ask, and where the answer is made
 * @param answerer of requests
 */
public record Route(Kind kind, Answerer answerer) {

    /** Two kinds of answers. */
    public enum Kind {
        /**
         * Short, made at once on the server's event loop whatever else is going on, and for any {@code Host}: load
         * balancers send what they like. It must not block, and must not tell what is not for everybody.
         */
        PROBE,
        /** May take its time: made on a virtual thread, a few at once, and only for an {@link AllowedHosts allowed} name. */
        VIEW
    }

    /** What answers. */
    @FunctionalInterface
    public interface Answerer {

        /**
         * Answers one request; anything thrown is answered with 500.
         *
         * @throws Request.BadRequestException to answer with 400 and its message
         */
        Answer answer(Request request);
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
