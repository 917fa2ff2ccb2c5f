package io.sluice.http;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.DateFormatter;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Date;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: requests one after the other, each with a deadline for every wait. Lives on the server's event loop.
 *
 * <p>A response is written in parts, as fast as the client reads; only one part at a time is in the network's buffers. A long
 * response is made as it is written. After
 * the last response the server finishes its side and reads for a moment, until the client has finished too: to close with
 * unread octets would send a reset, which can make the client lose the response.
 */
final class HttpConnection extends ChannelInboundHandlerAdapter implements Admission.Held, Renderings.Asker {

    private static final Logger LOG = LoggerFactory.getLogger(HttpConnection.class);
    private static final Duration LINGER = Duration.ofSeconds(1);

    /** What the connection waits for. */
    private enum State {
        /** A request, of which nothing or a part has arrived. */
        REQUEST,
        /** The response to it. */
        ANSWER,
        /** The client to read the response. */
        TAKING,
        /** The next request. */
        IDLE,
        /** Events, for a client that reads them as they come. */
        STREAMING,
        /** The client to finish. */
        LINGERING,
        /** Nothing. */
        CLOSED
    }

    private final HttpServer server;
    private final Site site;
    private final Client client;
    private final Channel channel;
    private final Queue<Intake> waiting = new ArrayDeque<>();
    private State state = State.REQUEST;
    private long since;
    private @Nullable Future<?> deadline;
    /** The request whose body is being read. */
    private @Nullable HttpRequest reading;
    private long bodyBytes;
    /** The request that is being answered, and the decision about it. */
    private @Nullable Intake current;
    private @Nullable Rendered response;
    private @Nullable StreamedBody stream;
    private @Nullable PartsOnTheWay longBody;
    private int nextPart;
    private boolean pumping;
    private boolean inputEnded;

    HttpConnection(HttpServer server, Site site, Client client, Channel channel) {
        this.server = server;
        this.site = site;
        this.client = client;
        this.channel = channel;
        this.since = server.now();
    }

    @Override
    public Client client() {
        return client;
    }

    @Override
    public boolean waitsForClient() {
        boolean made = state == State.STREAMING || longBody != null;
        return state != State.ANSWER && (!made || !channel.isWritable());
    }

    @Override
    public boolean arriving() {
        return state == State.REQUEST;
    }

    @Override
    public long since() {
        return since;
    }

    /** The response that the client is reading; null for none. */
    @Nullable
    Rendered response() {
        return response;
    }

    /** Closes, to make room for another connection. */
    void giveWay() {
        LOG.debug("a connection of {} gives way while it waits for {}", channel.remoteAddress(), state);
        abandon();
    }

    /** The handler before the decoder. */
    ChannelHandler octets() {
        return new ChannelInboundHandlerAdapter() {
            @Override
            public void channelRead(ChannelHandlerContext ctx, Object octets) {
                if (state == State.LINGERING || state == State.STREAMING) {
                    ReferenceCountUtil.release(octets);
                    return;
                }
                if (state == State.IDLE) {
                    enter(State.REQUEST, server.limits().requestTime());
                }
                ctx.fireChannelRead(octets);
            }
        };
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        enter(State.REQUEST, server.limits().requestTime());
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        try {
            if (message instanceof HttpRequest request) {
                begins(request);
            }
            if (message instanceof HttpContent content && reading != null) {
                continues(reading, content);
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    /** Answers a client that asks whether it should send its body, without that body. */
    private void begins(HttpRequest request) {
        reading = request;
        bodyBytes = 0;
        if (request.decoderResult().isFailure()) {
            reading = null;
            arrived(Intake.of(request, site, server.limits()));
        } else if (HttpUtil.is100ContinueExpected(request)) {
            reading = null;
            Intake intake = Intake.of(request, site, server.limits());
            arrived(new Intake(intake.decision(), intake.withBody(), false, intake.takesChunks()));
        }
    }

    private void continues(HttpRequest request, HttpContent content) {
        bodyBytes += content.content().readableBytes();
        if (content.decoderResult().isFailure()) {
            reading = null;
            arrived(Intake.last(400, "the request's body is not one of HTTP/1.1"));
        } else if (bodyBytes > server.limits().bodyBytes()) {
            reading = null;
            arrived(Intake.last(413, "a request may have a body of " + server.limits().bodyBytes() + " octets"));
        } else if (content instanceof LastHttpContent) {
            reading = null;
            arrived(Intake.of(request, site, server.limits()));
        }
    }

    private void arrived(Intake intake) {
        if (state == State.REQUEST || state == State.IDLE) {
            begin(intake);
        } else if (state == State.LINGERING || state == State.CLOSED || current != null && !current.keepAlive()) {
            LOG.debug("{} asks after its last request", channel.remoteAddress());
        } else if (waiting.size() < server.limits().pipelined()) {
            waiting.add(intake);
        } else {
            abandon();
        }
    }

    private void begin(Intake intake) {
        current = intake;
        enter(State.ANSWER, server.limits().answerTime());
        switch (intake.decision()) {
            case Intake.Decision.Refused refused -> {
                if (refused.status() == 403) {
                    server.refusedName(channel, refused.message());
                }
                answered(Rendered.of(refused.answer(), false));
            }
            case Intake.Decision.Asked(Renderings.Question question) -> {
                if (question.route().kind() == Route.Kind.PROBE) {
                    answered(question.answer());
                } else {
                    channel.config().setAutoRead(false);
                    server.renderings().ask(question, this);
                }
            }
        }
    }

    @Override
    public void answered(@Nullable Rendered made) {
        Intake asked = current;
        if (state != State.ANSWER || asked == null) {
            return;
        }
        if (made == null) {
            abandon();
            return;
        }
        if (made.response().body() instanceof Response.Stream events && asked.withBody()) {
            if (server.mayStream()) {
                stream(made, asked, events);
                return;
            }
            answered(Rendered.of(Response.error(503, server.limits().streams()
                    + " clients watch already; ask without watching, or end one of them"), false));
            return;
        }
        Response.Pieces pieces = made.pieces();
        if (pieces != null && !asked.takesChunks()) {
            // The end of the connection is the end of the body.
            current = new Intake(asked.decision(), asked.withBody(), false, false);
        }
        response = made;
        nextPart = asked.withBody() ? 0 : made.body().size();
        enter(State.TAKING, server.limits().answerTime());
        server.taking(this, made);
        if (state == State.TAKING) {
            channel.write(head(made, current == null ? asked : current));
            if (pieces != null && asked.withBody()) {
                begin(pieces, made.compressed());
            } else {
                pump();
            }
            if (state == State.TAKING) {
                channel.config().setAutoRead(false);
            }
        }
    }

    /** Streams until one side ends: such a body has no length, the end of the connection is its end (RFC 9112, 6.3). */
    private void stream(Rendered made, Intake asked, Response.Stream events) {
        state = State.STREAMING;
        since = server.now();
        if (deadline != null) {
            deadline.cancel(false);
        }
        waiting.clear();
        current = new Intake(asked.decision(), true, false, asked.takesChunks());
        StreamedBody opened = new StreamedBody(channel, events, server.limits(), this::abandon);
        // Before the first octet: if that cannot be written, the connection ends at once, and the stream with it.
        stream = opened;
        channel.writeAndFlush(head(made, current));
        // The end of the client is to be noticed.
        channel.config().setAutoRead(true);
        opened.pump();
    }

    @SuppressWarnings("JavaUtilDate") // is what Netty's formatter takes
    private HttpResponse head(Rendered made, Intake asked) {
        HttpResponse head = new DefaultHttpResponse(HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(made.response().status()));
        HttpHeaders headers = head.headers();
        headers.set("Date", DateFormatter.format(new Date()));
        headers.set("Content-Type", made.response().contentType());
        headers.set("X-Content-Type-Options", "nosniff");
        headers.set("Cross-Origin-Resource-Policy", "same-origin");
        headers.set("Cache-Control", "no-store");
        made.response().headers().forEach(headers::set);
        if (made.compressed()) {
            headers.set("Content-Encoding", "gzip");
        }
        if (made.pieces() != null) {
            if (asked.takesChunks()) {
                headers.set("Transfer-Encoding", "chunked");
            }
        } else if (!(made.response().body() instanceof Response.Stream)) {
            headers.set("Content-Length", Long.toString(made.length()));
        }
        headers.set("Connection", asked.keepAlive() && !(inputEnded && waiting.isEmpty()) ? "keep-alive" : "close");
        return head;
    }

    /** Writes as much as the client accepts; the rest is in no buffer. */
    private void pump() {
        Rendered sending = response;
        if (pumping || sending == null || longBody != null || state != State.TAKING
                || nextPart > sending.body().size()) {
            return;
        }
        pumping = true;
        boolean whole = false;
        do {
            while (nextPart < sending.body().size() && channel.isWritable()) {
                channel.write(new DefaultHttpContent(Unpooled.wrappedBuffer(sending.body().get(nextPart++))))
                        .addListener(taken -> since = server.now());
            }
            if (nextPart == sending.body().size()) {
                whole = true;
            } else {
                channel.flush();
            }
        } while (!whole && channel.isWritable() && channel.isActive());
        pumping = false;
        if (whole) {
            writeEnd();
        }
    }

    private void writeEnd() {
        nextPart++;
        channel.writeAndFlush(LastHttpContent.EMPTY_LAST_CONTENT).addListener((ChannelFuture written) -> {
            if (written.isSuccess()) {
                taken();
            } else {
                abandon();
            }
        });
    }

    private void begin(Response.Pieces pieces, boolean compressed) {
        try {
            longBody = new PartsOnTheWay(new LongBody(pieces, compressed));
            askForTurn();
        } catch (IOException | RuntimeException e) {
            cannotMake(e);
        }
    }

    /** Has the next parts made, once at a time. */
    private void askForTurn() {
        PartsOnTheWay body = longBody;
        if (body != null && !body.asked) {
            body.asked = true;
            server.turns().add(client, body::make, () -> write(body));
        }
    }

    /** Writes what was made; more is made when the network has taken it. */
    private void write(PartsOnTheWay made) {
        made.asked = false;
        if (longBody != made) {
            made.body.close();
            return;
        }
        Exception failure = made.failure;
        if (failure != null) {
            cannotMake(failure);
            return;
        }
        for (byte[] part : made.parts) {
            channel.write(new DefaultHttpContent(Unpooled.wrappedBuffer(part)))
                    .addListener(taken -> since = server.now());
        }
        if (made.body.ended()) {
            endLongBody();
            writeEnd();
        } else {
            channel.flush();
            if (channel.isWritable()) {
                askForTurn();
            }
        }
    }

    /** A long body, whose next parts are made on another thread while {@link #asked}, and on this one alone otherwise. */
    private static final class PartsOnTheWay {

        private final LongBody body;
        private boolean asked;
        private List<byte[]> parts = List.of();
        private @Nullable Exception failure;

        PartsOnTheWay(LongBody body) {
            this.body = body;
        }

        void make() {
            try {
                parts = body.next();
            } catch (IOException | RuntimeException e) {
                failure = e;
            }
        }
    }

    /** The client has got a part already: only the broken connection says that the rest is missing. */
    private void cannotMake(Exception why) {
        LOG.warn("Making a response to {} failed; its connection is reset", channel.remoteAddress(), why);
        abandon();
    }

    private void endLongBody() {
        PartsOnTheWay body = longBody;
        longBody = null;
        // Who is at work on it closes it afterwards.
        if (body != null && !body.asked) {
            body.body.close();
        }
    }

    private void taken() {
        Intake asked = current;
        if (state != State.TAKING || asked == null) {
            return;
        }
        letGo();
        current = null;
        Intake next = asked.keepAlive() ? waiting.poll() : null;
        if (!asked.keepAlive() || next == null && inputEnded) {
            linger();
        } else if (next != null) {
            begin(next);
        } else {
            enter(State.IDLE, server.limits().idleTime());
            channel.config().setAutoRead(true);
        }
    }

    private void linger() {
        if (inputEnded) {
            channel.close();
            return;
        }
        enter(State.LINGERING, LINGER);
        ((DuplexChannel) channel).shutdownOutput();
        channel.config().setAutoRead(true);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        if (stream != null) {
            since = server.now();
            stream.pump();
        }
        if (channel.isWritable()) {
            askForTurn();
        }
        pump();
    }

    /** The client has finished: it still gets the responses to its requests. */
    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent) {
            inputEnded = true;
            if (state != State.ANSWER && state != State.TAKING) {
                channel.close();
            }
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        LOG.debug("HTTP from {}: {}", channel.remoteAddress(), cause.toString());
        abandon();
    }

    /** The channel is closed. */
    void ended() {
        if (state == State.ANSWER) {
            server.renderings().forget(this);
        }
        if (stream != null) {
            stream.end();
            stream = null;
            server.streamEnded();
        }
        endLongBody();
        letGo();
        state = State.CLOSED;
        current = null;
        waiting.clear();
        if (deadline != null) {
            deadline.cancel(false);
        }
    }

    private void letGo() {
        Rendered taken = response;
        response = null;
        if (taken != null) {
            server.letGo(taken);
        }
    }

    private void enter(State next, Duration atMost) {
        state = next;
        since = server.now();
        if (deadline != null) {
            deadline.cancel(false);
        }
        deadline = channel.eventLoop().schedule(() -> {
            LOG.debug("{} kept a connection waiting for {} for {} ms", channel.remoteAddress(), next,
                    atMost.toMillis());
            abandon();
        }, atMost.toMillis(), TimeUnit.MILLISECONDS);
    }

    /** Closes at once. The kernel drops what the client has not read, instead of keeping it. */
    private void abandon() {
        if ((state == State.TAKING || state == State.STREAMING && !channel.isWritable()) && channel.isActive()) {
            channel.config().setOption(ChannelOption.SO_LINGER, 0);
        }
        channel.close();
    }
}
