package io.sluice.source.kubernetes;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;

/** The requests of the {@linkplain Reflector reflectors} to the API server, and what they know of it together. Any thread. */
interface ApiRequests {

    /** The URL for the next request. */
    String nextServer();

    /** See {@link ApiServerLocator#failed}. */
    int failed(String server);

    /**
     * GET.
     *
     * @param server         from {@link #nextServer}: credentials go nowhere else
     * @param path           with its query, beginning with a slash
     * @param longestSilence how long the body may be silent before reading it fails
     * @param longest        how long the whole response may take
     * @return the body of a 200; the caller closes it
     * @throws ApiException if the server responds with another status
     * @throws IOException  if it does not respond; the message says why
     */
    InputStream get(String server, String path, Duration longestSilence, Duration longest) throws IOException;

    /** GET of a watch. The observer does not get its duration, which says nothing about the server. */
    InputStream watch(String server, String path, Duration longestSilence, Duration longest) throws IOException;

    /**
     * Reads the credentials again, at a bounded rate: call it when the server does not accept them ({@code refused}) or is
     * unreachable.
     */
    void renew(boolean refused);

    /** Whether to log a failure that all reflectors have in common: not again before {@code reminder} has passed. */
    boolean shouldLog(String trouble, long now, Duration reminder);

    /** Whether to log that watches cannot be resumed: all reflectors meet that at once after an outage. */
    boolean shouldLogGone(long now);

    /** A watch works again: a later failure is logged again. */
    void recovered();

    /** Where the server and the credentials come from, for messages. */
    String origin();
}
