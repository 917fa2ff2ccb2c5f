package io.sluice.source.yaml;

import io.sluice.source.yaml.YamlNode.Mapping;
import io.sluice.source.yaml.YamlNode.Member;
import io.sluice.source.yaml.YamlNode.Scalar;
import io.sluice.source.yaml.YamlNode.Sequence;
import java.nio.charset.CharacterCodingException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.common.Anchor;
import org.snakeyaml.engine.v2.common.ScalarStyle;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.MappingStartEvent;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.events.SequenceStartEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.parser.Parser;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;

/**
 * Reads the documents of one file, one after the other: YAML, JSON, or JSON objects without anything between them, in UTF-8 or,
 * with a byte order mark, in UTF-16. Not thread-safe.
 *
 * <p>The parser is SnakeYAML Engine's; its events become nodes here and not in its own composer, which merges a mapping
 * that contains itself without end, and whose nodes keep the text of the file. Time and memory are proportional to the file's
 * size, and to the values that the {@link ReadingBudget} allows aliases to repeat:
 *
 * <ul>
 * <li>the scanner keeps its present line and copies that when it needs more, so the pieces that it is given grow with the
 * file: a value of the file's size is copied {@value #PIECES} times at the most;
 * <li>a document has at most {@link #maxValues} values, which are some hundred bytes each in memory, and
 * {@value #MAX_DEPTH} levels;
 * <li>an alias of a collection that is not finished would make it contain itself, and is refused;
 * <li>tags are short, because each use of one with a prefix makes a copy.
 * </ul>
 */
public final class YamlReader {

    /** No object of the API comes near; Kubernetes itself refuses JSON that is nested 10,000 deep. */
    public static final int MAX_DEPTH = 100;

    /** The most values of one document, if memory has room for them. */
    private static final int MAX_VALUES = 5_000_000;
    /** The memory of a value beside its text, with a part of what is made from it. */
    private static final int BYTES_PER_VALUE = 192;
    /** The parser's word for a tab where a token should begin. */
    private static final String TAB = "(TAB)";
    /** Its words for anything behind a document. */
    private static final String SECOND_OBJECT = "expected '<document start>'";
    private static final int PIECES = 16;
    private static final int MIN_PIECE = 1024;
    private static final int MAX_TAG = 256;

    /** In UTF-8. */
    private byte[] file;
    private final ReadingBudget budget;
    private TextReader text;
    private StreamReader scanned;
    private Parser parser;
    private final int maxValues;
    private final Map<String, String> keys = new HashMap<>();
    /** The value of each anchor of the present document; empty while its collection is not finished. */
    private final Map<Anchor, Optional<YamlNode>> anchors = new HashMap<>();
    private int values;
    private int depth;
    /** The number of documents that were read to their end. */
    private int finished;
    /** The parser has refused a tab that separates. */
    private boolean metTab;
    private boolean tabsReplaced;
    /** The parser has refused a second object that no marker separates from the first. */
    private boolean metObject;
    private boolean objectsSeparated;
    private @Nullable YamlException undecodable;

    /** Reads nothing yet. */
    public YamlReader(byte[] file, ReadingBudget budget) {
        this(file, budget, maxValues());
    }

    YamlReader(byte[] file, ReadingBudget budget, int maxValues) {
        this.maxValues = maxValues;
        this.budget = budget;
        this.file = file;
        try {
            this.file = Utf16.toUtf8(file);
        } catch (CharacterCodingException e) {
            undecodable = new YamlException(1, "is not a text in UTF-16, as its first two bytes say");
        }
        LoadSettings settings = settings();
        this.text = new TextReader(this.file, budget);
        this.scanned = new StreamReader(settings, text);
        text.follow(scanned);
        this.parser = new ParserImpl(settings, scanned);
    }

    private LoadSettings settings() {
        return LoadSettings.builder().setCodePointLimit(Integer.MAX_VALUE).setUseMarks(true)
                .setBufferSize(Math.max(MIN_PIECE, file.length / PIECES)).build();
    }

    /** Starts again with another text of the same documents, after those that were read. */
    private void startAgain(byte[] other) throws YamlException {
        file = other;
        depth = 0;
        LoadSettings settings = settings();
        text = new TextReader(file, budget);
        scanned = new StreamReader(settings, text);
        text.follow(scanned);
        parser = new ParserImpl(settings, scanned);
        for (int behind = 0; behind < finished;) {
            behind += event().getEventId() == Event.ID.DocumentEnd ? 1 : 0;
        }
    }

    /** The most values of a document: {@value #MAX_VALUES}, fewer where the heap is smaller than 1 GiB. */
    public static int maxValues() {
        return (int) Math.min(MAX_VALUES, Runtime.getRuntime().maxMemory() / BYTES_PER_VALUE);
    }

    /**
     * The next document; null after the last one. An empty document is a scalar that is null.
     *
     * @throws YamlException if the file is not YAML from here on, or has more than can be read; then nothing more can be
     *                       read
     */
    public @Nullable YamlNode next() throws YamlException {
        if (undecodable != null) {
            throw undecodable;
        }
        while (true) {
            try {
                return document();
            } catch (YamlException e) {
                if (metTab && !tabsReplaced) {
                    tabsReplaced = true;
                    startAgain(SeparatingTabs.replaced(file));
                } else if (metObject && !objectsSeparated && JsonSequence.begins(file)) {
                    objectsSeparated = true;
                    startAgain(JsonSequence.separated(file));
                } else {
                    throw e;
                }
            }
        }
    }

    private @Nullable YamlNode document() throws YamlException {
        Event event = event();
        while (event.getEventId() == Event.ID.StreamStart || event.getEventId() == Event.ID.DocumentEnd) {
            event = event();
        }
        if (event.getEventId() == Event.ID.StreamEnd) {
            return null;
        }
        anchors.clear();
        values = 0;
        YamlNode node = node(event());
        finished++;
        return node;
    }

    /** The first document if it is the only one. */
    public YamlNode single() throws YamlException {
        YamlNode document = next();
        YamlNode second = document == null ? null : next();
        if (second != null) {
            throw new YamlException(second.line(), "has to be one document, and here begins another");
        }
        return document == null ? new Scalar("", true, null, 1) : document;
    }

    /** The number of pieces in which the text was given to the scanner. */
    int pieces() {
        return text.pieces();
    }

    private Event event() throws YamlException {
        try {
            if (budget.isOver()) {
                throw new YamlException(line(), ReadingBudget.tooLong());
            }
            return parser.next();
        } catch (MarkedYamlEngineException e) {
            Optional<Mark> mark = e.getProblemMark().or(e::getContextMark);
            metTab = String.valueOf(e.getProblem()).contains(TAB);
            metObject = String.valueOf(e.getProblem()).contains(SECOND_OBJECT);
            throw new YamlException(mark.map(YamlReader::line).orElse(line()),
                    "is not YAML: " + firstLine(e.getProblem()) + mark.map(m -> " (column " + (m.getColumn() + 1) + ")")
                            .orElse(""));
        } catch (YamlEngineException e) {
            YamlException refused = text.refused();
            throw refused != null ? refused : new YamlException(line(), "is not YAML: " + firstLine(e.getMessage()));
        } catch (NumberFormatException | NoSuchElementException e) {
            // Not reported by the scanner: an escape in quotes that is too large or cut off, a text that ends early.
            throw new YamlException(line(), "is not YAML: an escape like \\x41 is cut off or stands for no character");
        }
    }

    private int line() {
        return scanned.getLine() + 1;
    }

    private static int line(Mark mark) {
        return mark.getLine() + 1;
    }

    private static int line(Event event) {
        return event.getStartMark().map(YamlReader::line).orElse(1);
    }

    private static String firstLine(@Nullable String message) {
        return String.valueOf(message).lines().findFirst().orElse("").strip();
    }

    private YamlNode node(Event event) throws YamlException {
        if (event instanceof AliasEvent alias) {
            return repeated(alias);
        }
        if (++values > maxValues) {
            throw new YamlException(line(event),
                    "the document has more than " + maxValues + " values; divide it, or give Java a larger heap");
        }
        NodeEvent start = (NodeEvent) event;
        start.getAnchor().ifPresent(anchor -> anchors.put(anchor, Optional.empty()));
        YamlNode node = switch (start) {
            case ScalarEvent scalar -> scalar(scalar);
            case SequenceStartEvent sequence -> sequence(sequence);
            case MappingStartEvent mapping -> mapping(mapping);
            default -> throw new IllegalStateException("no event that begins a value: " + event);
        };
        start.getAnchor().ifPresent(anchor -> anchors.put(anchor, Optional.of(node)));
        return node;
    }

    private YamlNode repeated(AliasEvent event) throws YamlException {
        Optional<YamlNode> meant = anchors.get(event.getAlias());
        if (meant == null) {
            throw new YamlException(line(event), "is not YAML: found undefined alias " + event.getAlias() + " (column "
                    + event.getStartMark().map(mark -> mark.getColumn() + 1).orElse(1) + ")");
        }
        YamlNode node = meant.orElseThrow(() -> new YamlException(line(event),
                "the alias *" + event.getAlias() + " stands inside of what it stands for, which would have no end"));
        repeat(node.weight(), line(event));
        return node;
    }

    private void repeat(int weight, int line) throws YamlException {
        if (!budget.repeat(weight)) {
            throw new YamlException(line, "aliases and merge keys (<<) repeat more than " + ReadingBudget.MAX_REPEATED
                    + " values; write fewer");
        }
    }

    private static @Nullable String tag(Optional<String> tag, Event event) throws YamlException {
        if (tag.isPresent() && tag.get().length() > MAX_TAG) {
            throw new YamlException(line(event), "has a tag of more than " + MAX_TAG + " characters");
        }
        return tag.orElse(null);
    }

    private static Scalar scalar(ScalarEvent event) throws YamlException {
        return new Scalar(event.getValue(), event.getScalarStyle() == ScalarStyle.PLAIN, tag(event.getTag(), event),
                line(event));
    }

    private void enter(Event event) throws YamlException {
        if (++depth > MAX_DEPTH) {
            throw new YamlException(line(event), "is not YAML: it is nested more than " + MAX_DEPTH + " deep");
        }
    }

    private Sequence sequence(SequenceStartEvent start) throws YamlException {
        enter(start);
        tag(start.getTag(), start);
        List<YamlNode> elements = new ArrayList<>();
        long weight = 1;
        for (Event event = event(); event.getEventId() != Event.ID.SequenceEnd; event = event()) {
            YamlNode element = node(event);
            weight += element.weight();
            elements.add(element);
        }
        depth--;
        return new Sequence(elements, line(start), bounded(weight));
    }

    private Mapping mapping(MappingStartEvent start) throws YamlException {
        enter(start);
        tag(start.getTag(), start);
        List<Member> members = new ArrayList<>();
        List<Member> merges = new ArrayList<>();
        for (Event event = event(); event.getEventId() != Event.ID.MappingEnd; event = event()) {
            Scalar key = key(event);
            Member member = new Member(key, node(event()));
            (key.isMergeKey() ? merges : members).add(member);
        }
        depth--;
        if (!merges.isEmpty()) {
            merge(merges, members);
        }
        long weight = 1;
        for (Member member : members) {
            weight += member.value().weight();
        }
        return new Mapping(members, line(start), bounded(weight));
    }

    /** Most keys are the same few: equal ones share a text. */
    private Scalar key(Event event) throws YamlException {
        if (!(node(event) instanceof Scalar key)) {
            throw new YamlException(line(event), "is not YAML: a key has to be a text, not a list or a mapping (column "
                    + event.getStartMark().map(mark -> mark.getColumn() + 1).orElse(1) + ")");
        }
        String known = keys.putIfAbsent(key.text(), key.text());
        return known == null ? key : new Scalar(known, key.plain(), key.tag(), key.line());
    }

    /** The mapping's own members win, then those that were merged first (yaml.org/type/merge). */
    private void merge(List<Member> merges, List<Member> members) throws YamlException {
        Set<String> present = new HashSet<>();
        members.forEach(member -> present.add(member.key().text()));
        for (Member merge : merges) {
            List<YamlNode> sources =
                    merge.value() instanceof Sequence sequence ? sequence.elements() : List.of(merge.value());
            for (YamlNode source : sources) {
                if (!(source instanceof Mapping mapping)) {
                    throw new YamlException(merge.key().line(),
                            "a merge key (<<) needs a mapping or a list of mappings");
                }
                repeat(mapping.weight(), merge.key().line());
                List<String> added = new ArrayList<>();
                for (Member member : mapping.members()) {
                    if (!present.contains(member.key().text())) {
                        members.add(member);
                        added.add(member.key().text());
                    }
                }
                present.addAll(added);
            }
        }
    }

    private static int bounded(long weight) {
        return (int) Math.min(weight, Integer.MAX_VALUE);
    }
}
