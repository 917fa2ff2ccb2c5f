package io.sluice.source.yaml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.source.yaml.YamlNode.Mapping;
import io.sluice.source.yaml.YamlNode.Scalar;
import io.sluice.source.yaml.YamlNode.Sequence;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is written becomes nodes; what is hostile ends in a line, in time that grows no faster than the file. */
@Timeout(300)
class YamlReaderTest {

    private static final int MIB = 1024 * 1024;

    private static List<YamlNode> read(byte[] file) throws YamlException {
        YamlReader reader = new YamlReader(file, ReadingBudget.start());
        List<YamlNode> documents = new ArrayList<>();
        for (YamlNode document = reader.next(); document != null; document = reader.next()) {
            documents.add(document);
        }
        return documents;
    }

    private static List<YamlNode> read(String text) throws YamlException {
        return read(text.getBytes(StandardCharsets.UTF_8));
    }

    /** Documents as {@code [a, b]} and {@code {k: v}}. */
    private static String shown(String text) throws YamlException {
        return String.join(" --- ", read(text).stream().map(YamlReaderTest::shown).toList());
    }

    private static String shown(YamlNode node) {
        return switch (node) {
            case Scalar scalar -> scalar.isNull() ? "~" : scalar.text();
            case Sequence list -> list.elements().stream().map(YamlReaderTest::shown).toList().toString();
            case Mapping map -> map.members().stream().map(m -> m.key().text() + ": " + shown(m.value())).toList()
                    .toString().replace('[', '{').replace(']', '}');
        };
    }

    private static String refusal(String text) {
        return refusal(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String refusal(byte[] file) {
        YamlException e = catchThrowableOfType(YamlException.class, () -> read(file));
        return e == null ? "none" : e.line() + ": " + e.getMessage();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            documents are read one by one               | a#---#[b, c]#---#{d: e}      | a --- [b, c] --- {d: e}
            an empty document is null                   | ---#---#a                    | ~ --- a
            an alias is what it stands for              | {a: &x [1], b: *x}           | {a: {1}, b: {1}}
            an anchor may stand for something new       | [&x 1, *x, &x 2, *x]         | [1, 1, 2, 2]
            a merge brings members                      | {a: &x {b: 1}, c: {<<: *x}}  | {a: {b: 1}, c: {b: 1}}
            what a mapping has itself wins              | {<<: {a: 1, b: 2}, a: 3}     | {a: 3, b: 2}
            what is merged first wins                   | {<<: [{a: 1}, {a: 2, b: 3}]} | {a: 1, b: 3}
            a key in quotes merges nothing              | {"<<": {a: 1}}               | {<<: {a: 1}}
            a merge of what was merged                  | [&x {a: 1}, &y {<<: *x, b: 2}, {<<: *y}] | [{a: 1}, {b: 2, a: 1}, {b: 2, a: 1}]
            keys that stand twice are kept              | {a: 1, a: 2}                 | {a: 1, a: 2}
            """)
    void what_is_written_becomes_nodes(String rule, String text, String nodes) throws YamlException {
        assertThat(shown(text.replace('#', '\n'))).isEqualTo(nodes);
    }

    @ParameterizedTest(name = "{0} is {1}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            ~ | NULL
            null | NULL
            true | BOOL
            yes | TEXT
            017 | INT
            0x1F | INT
            1e3 | FLOAT
            1_000 | TEXT
            12:30:45 | TEXT
            2026-11-23 | TEXT
            "1" | TEXT
            '' | TEXT
            ${NAME} | TEXT
            ! 1 | TEXT
            !!str 1 | TEXT
            !!int "1" | INT
            !!binary QQ== | OTHER
            !mine 1 | OTHER
            """)
    void scalars_are_what_the_core_schema_says(String text, YamlNode.Type type) throws YamlException {
        assertThat(read(text)).singleElement().satisfies(n -> assertThat(((Scalar) n).type()).isEqualTo(type));
    }

    @Test
    void lines_are_counted_from_one_with_every_kind_of_break() throws YamlException {
        Mapping map = (Mapping) read("\uFEFF# x\r\na: 1\rb: 2\n\nc: |\n  x\n  y\nd: [\n 1]\n").getFirst();
        assertThat(map.members().stream().map(m -> m.key().text() + m.key().line())).containsExactly("a2", "b3", "c5",
                "d8");
        assertThat(((Sequence) map.members().getLast().value()).elements().getFirst().line()).isEqualTo(9);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            a mapping merged into itself        | a: &a {<<: *a, b: 1}              | 1: the alias *a stands inside of what it stands for, which would have no end
            one of a list that is merged        | - &a {b: 1,#  <<: [{c: 2}, *a]}   | 2: the alias *a stands inside of what it stands for, which would have no end
            a list in itself                    | a:#- &a [*a]                      | 2: the alias *a stands inside of what it stands for, which would have no end
            a key that is what holds it         | &a {*a : 1}                       | 1: the alias *a stands inside of what it stands for, which would have no end
            a value that is what holds it       | &a {b: {c: [*a]}}                 | 1: the alias *a stands inside of what it stands for, which would have no end
            an alias of nothing                 | a: *b                             | 1: is not YAML: found undefined alias b (column 4)
            two that merge each other           | a: &a {<<: *b}#b: &b {<<: *a}     | 1: is not YAML: found undefined alias b (column 12)
            a merge of a text                   | a: 1#<<: b                        | 2: a merge key (<<) needs a mapping or a list of mappings
            a merge of lists                    | <<: [[a]]                         | 1: a merge key (<<) needs a mapping or a list of mappings
            a template                          | a: {{ .Values.b }}                | 1: is not YAML: a key has to be a text, not a list or a mapping (column 5)
            an escape that is cut off           | a: "\\x                           | 1: is not YAML: an escape like \\x41 is cut off or stands for no character
            an escape that is too large         | a: "\\UFFFFFFFF"                  | 1: is not YAML: an escape like \\x41 is cut off or stands for no character
            another version                     | %YAML 3.0#---#a                   | 2: is not YAML: Version{major=3, minor=0}
            """)
    void what_has_no_end_or_no_meaning_is_told_with_its_line(String rule, String text, String refusal) {
        assertThat(refusal(text.replace('#', '\n'))).isEqualTo(refusal);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiterString = "=>", quoteCharacter = '~', value = {"{'a':1}|{'b':2} => {a: 1} --- {b: 2}",
            "{'a':1}{'b':2} {'c':3} => {a: 1} --- {b: 2} --- {c: 3}",
            "|{|\t'a': [{}, {}]|}|  {'b': '}{\\\"{'}|| => {a: {{}, {}}} --- {b: }{\"{}",
            "{'a':1}|---|{'b':2}|{'c':3} => {a: 1} --- {b: 2} --- {c: 3}"})
    void objects_of_json_may_follow_each_other(String text, String nodes) throws YamlException {
        assertThat(shown(text.replace('|', '\n').replace("\\\"", "\u0001").replace('\'', '"')
                .replace("\u0001", "\\\""))).isEqualTo(nodes);
    }

    @Test
    void lines_of_objects_that_follow_each_other_are_those_of_the_file() throws YamlException {
        List<YamlNode> documents = read("{\"a\":\n1}\n\n{\"b\":\n2}\n{\"c\":3}\n");

        assertThat(documents).extracting(YamlNode::line).containsExactly(1, 4, 6);
        assertThat(refusal("{\"a\":1}\n{\"b\":2}\n{\"c\" 3]")).startsWith("3: is not YAML: ");
        assertThat(refusal("{a: 1}\nb: 2\n{c: 3}")).startsWith("2: is not YAML: ");
        assertThat(refusal("a: {b: 1}\n{c: 3}")).startsWith("2: is not YAML: ");
    }

    @ParameterizedTest
    @ValueSource(strings = {"UTF-16BE", "UTF-16LE"})
    void utf_16_has_a_mark(String charset) throws YamlException {
        byte[] marked = "\uFEFFname:\tä\r\n---\r\n[ö]".getBytes(Charset.forName(charset));

        assertThat(read(marked).stream().map(YamlReaderTest::shown)).containsExactly("{name: ä}", "[ö]");
        byte[] cut = Arrays.copyOf(marked, marked.length - 1);
        assertThat(refusal(cut)).isEqualTo("1: is not a text in UTF-16, as its first two bytes say");
    }

    @Test
    void a_document_of_a_single_one_is_refused_with_a_second() throws YamlException {
        assertThat(new YamlReader(new byte[0], ReadingBudget.start()).single().isNull()).isTrue();
        assertThatThrownBy(() -> new YamlReader("a: 1\n---\nb: 1\n".getBytes(StandardCharsets.UTF_8),
                ReadingBudget.start()).single()).isInstanceOf(YamlException.class)
                .satisfies(e -> assertThat(((YamlException) e).line()).isEqualTo(3));
    }

    @Test
    void aliases_and_merges_cannot_multiply_without_end() {
        StringBuilder lists = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        StringBuilder merges = new StringBuilder("a0: &a0 {k: 1}\n");
        for (int i = 1; i < 30; i++) {
            String above = "*a" + (i - 1);
            lists.append(
                    "a%d: &a%d [%s]\n".formatted(i, i, String.join(",", java.util.Collections.nCopies(10, above))));
            merges.append("a%d: &a%d {<<: [%s, %s, %s], x%d: %s}\n".formatted(i, i, above, above, above, i, above));
        }
        String refusal = ": aliases and merge keys (<<) repeat more than 1000000 values; write fewer";
        assertThat(refusal(lists.toString())).endsWith(refusal);
        assertThat(refusal(merges.toString())).endsWith(refusal);
        // Counted over all documents, and over all files that share a budget.
        String document = "---\na: &a [" + "1,".repeat(999) + "1]\nb: [" + "*a,".repeat(9) + "*a]\n";
        assertThat(refusal(document.repeat(200))).endsWith(refusal);
        ReadingBudget shared = ReadingBudget.start();
        assertThatThrownBy(() -> {
            for (int i = 0; i < 200; i++) {
                new YamlReader(document.getBytes(StandardCharsets.UTF_8), shared).single();
            }
        }).isInstanceOf(YamlException.class).hasMessageContaining("repeat more than");
    }

    static Stream<Arguments> long_texts() {
        String x = "x".repeat(2 * MIB);
        String lines = "  xxxxxxx\n".repeat(MIB / 4);
        Stream<Arguments> texts = Stream.of(
                Arguments.of("a plain value", "a: " + x + "\n"),
                Arguments.of("in double quotes", "a: \"" + x + "\"\n"),
                Arguments.of("in single quotes", "a: '" + x + "'\n"),
                Arguments.of("literal", "a: |\n  " + x + "\n"),
                Arguments.of("folded", "a: >\n  " + x + "\n"),
                Arguments.of("many lines, literal", "a: |\n" + lines),
                Arguments.of("many lines, folded", "a: >\n" + lines),
                Arguments.of("many lines, plain", "a:\n" + lines),
                Arguments.of("many lines, in quotes", "a: \"\n" + lines + "\"\n"),
                Arguments.of("many empty lines", "a: |\n" + "\n".repeat(2 * MIB) + "  b\n"),
                Arguments.of("spaces", "a: b" + " ".repeat(2 * MIB) + "c\n"),
                Arguments.of("escapes", "a: \"" + "\\x41".repeat(MIB) + "\"\n"),
                Arguments.of("a key", "? \"" + x + "\"\n: b\n"),
                Arguments.of("a comment", "# " + x + "\na: b\n"),
                Arguments.of("many comments", "#\n".repeat(MIB) + "a: b\n"),
                Arguments.of("an anchor", "a: &" + x + " b\n"),
                Arguments.of("a directive", "%FOO " + x + "\n---\na: b\n"),
                Arguments.of("digits", "a: " + "1".repeat(2 * MIB) + "\n"),
                Arguments.of("nearly a number", "a: " + "1".repeat(MIB) + "." + "1".repeat(MIB) + "e\n"),
                Arguments.of("words", "a: " + "x ".repeat(MIB) + "\n"),
                Arguments.of("characters of two halves", "a: " + "\uD83D\uDE00".repeat(MIB / 2) + "\n"));
        return texts.flatMap(a -> Stream.of(a, Arguments.of(a.get()[0] + ", with CR LF",
                ((String) a.get()[1]).replace("\n", "\r\n"))));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("long_texts")
    void a_long_text_costs_what_its_length_costs(String form, String text) throws YamlException {
        YamlReader reader = new YamlReader(text.getBytes(StandardCharsets.UTF_8), ReadingBudget.start());
        Mapping map = (Mapping) reader.single();
        assertThat(map.members()).hasSize(1);
        assertThat(((Scalar) map.members().getFirst().value()).type()).isNotNull();
        // Each time the scanner has more of a line it copies what it has of it.
        assertThat(reader.pieces()).isLessThanOrEqualTo(18);
    }

    static Stream<Arguments> too_much() {
        return Stream.of(
                Arguments.of("nested lists", "a: " + "[".repeat(MIB),
                        "1: is not YAML: it is nested more than 100 deep"),
                Arguments.of("nested mappings", "{\"a\":".repeat(MIB),
                        "1: is not YAML: it is nested more than 100 deep"),
                Arguments.of("nested blocks", "- ".repeat(MIB), "1: is not YAML: it is nested more than 100 deep"),
                Arguments.of("nested keys", "? ".repeat(MIB), "1: is not YAML: it is nested more than 100 deep"),
                Arguments.of("a value of 16 MiB", "a: b\nc: " + "x".repeat(20 * MIB),
                        "2: has a value of more than 16 MiB in one line; shorten it"),
                Arguments.of("a tag", "a: !" + "x".repeat(MIB) + " b", "1: has a tag of more than 256 characters"),
                Arguments.of("a tag by its prefix", "%TAG !e! tag:" + "x".repeat(MIB) + "\n---\na: [!e!a b, !e!a b]",
                        "3: has a tag of more than 256 characters"));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("too_much")
    void what_is_too_much_is_told_with_its_line(String what, String text, String refusal) {
        assertThat(refusal(text)).isEqualTo(refusal);
    }

    @Test
    void a_document_has_a_limit_of_values_and_the_next_may_have_as_many() throws YamlException {
        byte[] text = "a:\n- b\n---\n[c, d,\n e, f]\n".getBytes(StandardCharsets.UTF_8);
        YamlReader reader = new YamlReader(text, ReadingBudget.start(), 4);
        assertThat(reader.next()).isNotNull();
        assertThatThrownBy(reader::next).isInstanceOf(YamlException.class)
                .hasMessage("the document has more than 4 values; divide it, or give Java a larger heap")
                .satisfies(e -> assertThat(((YamlException) e).line()).isEqualTo(5));
    }

    @Test
    void other_text_than_utf_8_and_characters_that_no_text_has_are_told_with_their_line() {
        Function<Charset, byte[]> marked = charset -> "\uFEFFa: b\n".getBytes(charset);
        assertThat(refusal(marked.apply(StandardCharsets.UTF_8))).isEqualTo("none");
        assertThat(refusal(marked.apply(Charset.forName("UTF-32LE")))).startsWith("1: is not ");
        assertThat(refusal(new byte[] {'a', '\n', (byte) 0xff})).isEqualTo("2: is not a text in UTF-8");
        assertThat(refusal(new byte[] {'a', '\n', (byte) 0xe2, (byte) 0x82})).isEqualTo("2: is not a text in UTF-8");
        assertThat(refusal("a\r\nb\n\0")).isEqualTo("3: is not YAML: the character U+0000 is not allowed");
        assertThat(refusal("a: \u001b[31m")).isEqualTo("1: is not YAML: the character U+001B is not allowed");
    }

    @Test
    void the_time_of_a_processor_counts_and_not_that_of_the_clock() {
        long[] clock = {0};
        long[] processor = {0};
        ReadingBudget budget = new ReadingBudget(() -> clock[0], () -> processor[0]);
        clock[0] = Duration.ofHours(1).toNanos();
        processor[0] = Duration.ofHours(1).toNanos();
        assertThat(budget.isOver()).isFalse();
        clock[0] += Duration.ofHours(1).toNanos();
        processor[0] += ReadingBudget.MAX_TIME.toNanos() - 1;
        assertThat(budget.isOver()).isFalse();
        clock[0] += Duration.ofSeconds(1).toNanos();
        processor[0]++;
        YamlReader reader = new YamlReader("a: b\n".getBytes(StandardCharsets.UTF_8), budget);
        assertThatThrownBy(reader::next).isInstanceOf(YamlException.class)
                .hasMessage("reading takes more than 30 s of a"
                        + " processor; it is not read to its end: make it smaller");
    }

    /** Anchors, aliases, merges, quotes, tags and brackets put together at random: an answer, and never anything else. */
    @Test
    void anything_ends_in_nodes_or_in_a_refusal() {
        long seed = Long.getLong("seed", 20_261_129L);
        SplittableRandom random = new SplittableRandom(seed);
        String[] pieces =
                {"&a ", "&b ", "*a", "*b", "*a : ", "<<: ", "? ", ": ", ":\t", "- ", "[", "]", "{", "}", ", ", "\n",
                        "\r\n", "\n  ", "\n    ", "\t", "|", ">", "|2-\n", "\"", "'", "\"\\x", "\\u", "#", " #", "!",
                        "!!binary ", "!<x> ",
                        "%TAG !e! x\n", "%YAML 1.1\n", "---\n", "...\n", "a", "kind: ", "a: ", "1", "~", "\uFEFF",
                        "\u0085", "é",
                        "\uD83D\uDE00", "\0", "`", "@"};
        for (int i = 0; i < 10_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(1, 40); n > 0; n--) {
                text.append(pieces[random.nextInt(pieces.length)]);
            }
            try {
                for (YamlNode node : read(text.toString())) {
                    assertThat(shown(node)).isNotNull();
                }
            } catch (YamlException e) {
                assertThat(e.line()).as("seed %d, attempt %d:%n%s", seed, i, text).isPositive();
            } catch (RuntimeException | StackOverflowError e) {
                throw new AssertionError("seed %d, attempt %d:%n%s".formatted(seed, i, text), e);
            }
        }
    }
}
