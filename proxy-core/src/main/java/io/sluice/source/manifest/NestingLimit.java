package io.sluice.source.manifest;

import org.snakeyaml.engine.v2.events.CollectionEndEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.exceptions.ParserException;
import org.snakeyaml.engine.v2.parser.Parser;

/** Refuses documents that are nested so deeply that reading them would exhaust the stack. */
final class NestingLimit implements Parser {

    /** No object of the API comes near; Kubernetes itself refuses JSON that is nested 10,000 deep. */
    static final int MAX_DEPTH = 100;

    private final Parser parser;
    private int depth;

    NestingLimit(Parser parser) {
        this.parser = parser;
    }

    @Override
    public boolean checkEvent(Event.ID choice) {
        return parser.checkEvent(choice);
    }

    @Override
    public Event peekEvent() {
        return parser.peekEvent();
    }

    @Override
    public boolean hasNext() {
        return parser.hasNext();
    }

    @Override
    public Event next() {
        Event event = parser.next();
        if (event instanceof CollectionStartEvent && ++depth > MAX_DEPTH) {
            throw new ParserException("it is nested more than " + MAX_DEPTH + " deep", event.getStartMark());
        }
        if (event instanceof CollectionEndEvent) {
            depth--;
        }
        return event;
    }
}
