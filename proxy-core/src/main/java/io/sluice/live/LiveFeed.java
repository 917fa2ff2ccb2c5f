package io.sluice.live;

import io.sluice.http.Response;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * What one page is told. A page that reads slowly skips pictures, and holds no more than one of them. On the event loop of its
 * server.
 */
final class LiveFeed implements Response.Feed {

    private static final byte[] NOTHING = {};
    /** To a page that was opened in the same moment as the last that may be. */
    private static final String FULL = "event: full\ndata: \"" + LiveBoard.TOO_MANY + "\"\n\n";

    private final LiveBoard board;
    private final Runnable wake;
    private final boolean joined;
    private @Nullable Iterator<String> telling;
    private long tellingNumber;
    private long told;

    LiveFeed(LiveBoard board, Runnable wake) {
        this.board = board;
        this.wake = wake;
        this.joined = board.join(wake);
    }

    @Override
    public byte[] next() {
        if (!joined) {
            byte[] refusal = told == 0 ? FULL.getBytes(StandardCharsets.UTF_8) : NOTHING;
            told = 1;
            return refusal;
        }
        while (true) {
            if (telling == null) {
                LivePicture picture = board.picture();
                if (picture.number() == told || picture.number() == 0) {
                    return NOTHING;
                }
                telling = picture.since(told);
                tellingNumber = picture.number();
            }
            while (telling.hasNext()) {
                String part = telling.next();
                if (!part.isEmpty()) {
                    return part.getBytes(StandardCharsets.UTF_8);
                }
            }
            telling = null;
            told = tellingNumber;
        }
    }

    @Override
    public void close() {
        board.leave(wake);
    }
}
