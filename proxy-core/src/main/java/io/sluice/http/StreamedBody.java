package io.sluice.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.util.concurrent.Future;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A body without an end on one connection. A part is made when the network has room for it, so that a client that reads slowly
 * holds no memory; one that does not read for too long is cut off. Lives on the server's event loop.
 */
final class StreamedBody {

    private static final Logger LOG = LoggerFactory.getLogger(StreamedBody.class);

    /** A comment in server-sent events: clients ignore it. */
    private static final byte[] NOTHING_NEW = ":\n\n".getBytes(StandardCharsets.US_ASCII);

    private final Channel channel;
    private final HttpLimits limits;
    private final Runnable cutOff;
    private final Response.Feed feed;
    private final AtomicBoolean woken = new AtomicBoolean();
    private @Nullable Future<?> timer;
    private boolean ended;

    /**
     * Opens the stream; nothing is written yet.
     *
     * @param cutOff closes the connection of a client that does not read
     */
    StreamedBody(Channel channel, Response.Stream stream, HttpLimits limits, Runnable cutOff) {
        this.channel = channel;
        this.limits = limits;
        this.cutOff = cutOff;
        this.feed = stream.open(this::wake);
    }

    /** Writes what there is, as far as the network takes it. */
    void pump() {
        boolean more = true;
        while (more && !ended && channel.isWritable()) {
            byte[] part = feed.next();
            more = part.length > 0;
            if (more) {
                channel.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(part)));
            }
        }
        if (!ended) {
            if (channel.isWritable()) {
                after(limits.streamSilence(), this::nothingNew);
            } else {
                after(limits.answerTime(), this::notRead);
            }
        }
    }

    /** The connection is closed. */
    void end() {
        if (!ended) {
            ended = true;
            cancel();
            feed.close();
        }
    }

    /** There may be another part. Any thread. */
    private void wake() {
        if (woken.compareAndSet(false, true)) {
            try {
                channel.eventLoop().execute(() -> {
                    woken.set(false);
                    // A client that does not read keeps its deadline.
                    if (channel.isWritable()) {
                        pump();
                    }
                });
            } catch (RejectedExecutionException e) {
                LOG.debug("an event came after the end of the server");
            }
        }
    }

    private void nothingNew() {
        channel.writeAndFlush(new DefaultHttpContent(Unpooled.wrappedBuffer(NOTHING_NEW)));
        pump();
    }

    private void notRead() {
        LOG.debug("{} does not read its events and is cut off", channel.remoteAddress());
        cutOff.run();
    }

    private void after(Duration time, Runnable task) {
        cancel();
        timer = channel.eventLoop().schedule(task, time.toMillis(), TimeUnit.MILLISECONDS);
    }

    private void cancel() {
        if (timer != null) {
            timer.cancel(false);
        }
    }
}
