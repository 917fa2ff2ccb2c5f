package io.sluice.source.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.source.kubernetes.ObjectStream.ListHead;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** An answer counts if it is what an API server says to what was asked, and else nothing of it does. */
class AnswerTest {

    private static final String GOOD = """
            {"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"7"},"items":[
            {"metadata":{"name":"a","namespace":"n"},"spec":{}},{"metadata":{"name":"b","namespace":"n"},"spec":{}}]}
            """;

    private static List<String> read(ObjectKind kind, InputStream... pages) throws IOException {
        ListCheck check = new ListCheck(kind);
        List<String> names = new ArrayList<>();
        for (InputStream page : pages) {
            try (ObjectStream stream = new ObjectStream(page, check.bytesLeft())) {
                ListHead head = stream.readList(check::head, item -> names.add(check.item(item).toString()));
                check.page(head, stream.bytes());
            }
        }
        return names;
    }

    private static List<String> read(String... pages) throws IOException {
        return read(ObjectKind.SERVICE, List.of(pages).stream().map(AnswerTest::bytes).toArray(InputStream[]::new));
    }

    private static InputStream bytes(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{\"kind\":\"Service\",\"apiVersion\":\"v1\","})
    void a_list_of_what_was_asked_for_is_read_whether_items_say_their_kind_or_not(String kind) throws IOException {
        assertThat(read(GOOD.replace("\n{", "\n" + (kind.isEmpty() ? "{" : kind)))).containsExactly("n/a", "n/b");
    }

    @Test
    void the_head_may_stand_behind_the_items() throws IOException {
        assertThat(read("""
                {"items":[{"metadata":{"name":"a","namespace":"n"},"spec":{}}],"metadata":{"resourceVersion":"7"},
                 "remaining":{"x":[1]},"apiVersion":"v1","kind":"ServiceList"}""")).containsExactly("n/a");
    }

    @Test
    void a_list_of_no_kind_counts_if_its_items_say_what_they_are() throws IOException {
        String list = GOOD.replace("ServiceList", "List");
        assertThatThrownBy(() -> read(list)).isInstanceOf(SuspectAnswerException.class);

        assertThat(read(list.replace("{\"metadata\":{\"name",
                "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name")))
                .containsExactly("n/a", "n/b");
    }

    @ParameterizedTest(name = "{0}: it {2}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            pods                  | "ServiceList"                -> "PodList"                    | is v1 PodList where v1 ServiceList was asked for
            another version       | "v1"                         -> "v2"                         | is v2 ServiceList where v1 ServiceList was asked for
            no kind               | "kind":"ServiceList",        ->                              | is v1 '' where v1 ServiceList was asked for
            no version            | "apiVersion":"v1",           ->                              | is '' ServiceList where v1 ServiceList was asked for
            a kind that is none   | "ServiceList"                -> 5                            | is v1 '' where v1 ServiceList was asked for
            a Status              | "ServiceList"                -> "Status"                     | is v1 Status where v1 ServiceList was asked for
            a Table               | "ServiceList"                -> "Table"                      | is v1 Table where v1 ServiceList was asked for
            no items              | "items"                      -> "others"                     | has no items
            items that are null   | "items":[                    -> "items":null,"others":[      | has items that are no list
            items of a map        | "items":[                    -> "items":{},"others":[        | has items that are no list
            a null among them     | [\\n{                         -> [null,{                      | has an item that is no object
            a number among them   | [\\n{                         -> [5,{                         | has an item that is no object
            no resourceVersion    | "resourceVersion":"7"        -> "x":"7"                      | has no resourceVersion
            no metadata           | "metadata":{"resourceVersion":"7"}, ->                       | has no resourceVersion
            no name               | "name":"a",                  ->                              | has a Service without a name
            an empty name         | "name":"a"                   -> "name":""                    | has a Service without a name
            a number for a name   | "name":"a"                   -> "name":5                     | has a Service without a name
            a name for a log      | "name":"a"                   -> "name":"a\\u000ab"           | has a Service without a name
            no metadata in one    | {"metadata":{"name":"a","namespace":"n"} -> {"metadata":null | has a Service without a name
            no namespace          | "a","namespace":"n"          -> "a"                          | has the Service a without a namespace
            no spec               | "n"},"spec":{}}]             -> "n"}}]                       | has the Service n/b, which is none by its fields
            a spec that is none   | "n"},"spec":{}}]             -> "n"},"spec":"no"}]           | has the Service n/b, which is none by its fields
            a pod among them      | "spec":{}}]                  -> "spec":{},"kind":"Pod","apiVersion":"v1"}] | has an object of v1 Pod where v1 Service was asked for
            one twice             | "name":"b"                   -> "name":"a"                   | has the Service n/a twice
            a field twice         | "spec":{}}]                  -> "spec":{},"spec":{}}]        | has an object with the field spec twice
            a field in it twice   | "name":"b"                   -> "name":"b","name":"c"        | has an object with the field name twice
            items twice           | "items":[                    -> "items":[],"items":[         | has twice the field items
            something after it    | ]}                           -> ]}{}                         | has something after its end
            garbage after it      | ]}                           -> ]}<html>                     | is not JSON
            HTML                  | {"kind"                      -> <html>{"kind"                | is not JSON but HTML
            an array              | {"kind"                      -> [{"kind"                     | is no list
            """)
    void what_no_api_server_says_is_not_believed(String what, String edit, String why) {
        String[] sides = edit.replace("\\n", "\n").split(" +-> ?", 2);
        String answer = GOOD.replaceFirst(java.util.regex.Pattern.quote(sides[0]),
                java.util.regex.Matcher.quoteReplacement(sides[1].replace("\\u000ab", "\\nb")));
        assertThat(answer).as(what).isNotEqualTo(GOOD);

        assertThatThrownBy(() -> read(answer)).isInstanceOf(SuspectAnswerException.class)
                .hasMessage(why);
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            a slice without a type          | {"endpoints":[]}
            a slice with a map of endpoints | {"addressType":"IPv4","endpoints":{}}
            a slice with a text for ports   | {"addressType":"IPv4","ports":"80"}
            """)
    void a_slice_that_is_none_by_its_fields_is_not_believed(String what, String slice) {
        String list = """
                {"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{"resourceVersion":"7"},
                "items":[{"metadata":{"name":"a","namespace":"n"},""" + slice.substring(1) + "]}";

        assertThatThrownBy(() -> read(ObjectKind.ENDPOINT_SLICE, bytes(list)))
                .isInstanceOf(SuspectAnswerException.class)
                .hasMessage("has the EndpointSlice n/a, which is none by its fields");
    }

    @Test
    void pages_are_one_list() throws IOException {
        assertThat(read(page("7", "a", "t1"), page("7", "b", "t2"), page("7", "c", ""))).containsExactly("n/a", "n/b",
                "n/c");
    }

    private static String page(String version, String name, String next) {
        return """
                {"kind":"ServiceList","apiVersion":"v1","metadata":{"resourceVersion":"%s","continue":"%s"},"items":[
                 {"metadata":{"name":"%s","namespace":"n"},"spec":{}}]}""".formatted(version, next, name);
    }

    @Test
    void pages_that_do_not_belong_together_are_not_believed() {
        assertThatThrownBy(() -> read(page("7", "a", "t1"), page("8", "b", "")))
                .hasMessage("goes over from version 7 to 8 from one page to the next");
        assertThatThrownBy(() -> read(page("7", "a", "t1"), page("7", "b", "").replace("ServiceList", "PodList")))
                .hasMessage("is v1 PodList where v1 ServiceList was asked for");
        assertThatThrownBy(() -> read(page("7", "a", "t1"), page("7", "a", "")))
                .hasMessage("has the Service n/a twice");
        assertThatThrownBy(() -> read(page("7", "a", "t1"), page("7", "b", "t1")))
                .hasMessage("has no end: page follows page");
        assertThatThrownBy(() -> read(page("7", "a", "t".repeat(5000)))).hasMessage("has no end: page follows page");
    }

    @Test
    void a_list_that_breaks_off_anywhere_is_no_list() {
        for (int length = 0; length < GOOD.strip().length(); length++) {
            String part = GOOD.substring(0, length);
            assertThatThrownBy(() -> read(part)).as("after %d", length).isInstanceOf(IOException.class);
        }
    }

    /** Answers without an end, each of which must end here soon. */
    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            spaces before the list   | ``                                                     | ` `
            a text in the head       | {"kind":"ServiceList","metadata":{"x":"                | a
            a skipped text           | {"kind":"ServiceList","x":"                            | a
            a number                 | {"kind":"ServiceList","metadata":{"x":1                | 1
            a name of a field        | {"kind":"ServiceList","                                | a
            fields of the head       | {"kind":"ServiceList","x":[                            | {},
            spaces in the items      | {"items":[                                             | ` `
            a text in an item        | {"items":[{"metadata":{"name":"a","x":"                | a
            texts in an item         | {"items":[{"spec":{"x":[                               | "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            objects in an item       | {"items":[{"metadata":{"name":"a"},"spec":{"x":[       | {},
            managed fields           | {"items":[{"metadata":{"managedFields":[               | {},
            deep objects             | {"items":[{"spec":                                     | {"a":
            deep arrays in the head  | {"x":                                                  | [
            """)
    void an_answer_without_an_end_is_given_up_within_bounds(String what, String begin, String more) {
        CountingEndless endless = new CountingEndless(begin, more);

        assertThatThrownBy(() -> read(ObjectKind.SERVICE, endless)).as(what).isInstanceOf(SuspectAnswerException.class)
                .hasMessageNotContaining("\n").satisfies(e -> assertThat(e.getMessage().length()).isLessThan(300));
        assertThat(endless.given).isLessThan(ObjectStream.LARGEST_OBJECT + 2 * ObjectStream.LARGEST_HEAD);
    }

    /** A beginning, and then the same for ever. */
    private static final class CountingEndless extends InputStream {

        private final byte[] begin;
        private final byte[] more;
        private long given;

        CountingEndless(String begin, String more) {
            this.begin = begin.getBytes(StandardCharsets.UTF_8);
            this.more = more.getBytes(StandardCharsets.UTF_8);
        }

        @Override
        public int read() {
            long at = given++;
            return at < begin.length ? begin[(int) at] : more[(int) ((at - begin.length) % more.length)];
        }

        @Override
        public int read(byte[] into, int offset, int length) {
            for (int i = 0; i < length; i++) {
                into[offset + i] = (byte) read();
            }
            return length;
        }
    }

    @Test
    void an_object_that_is_too_large_is_named() {
        String event = "{\"type\":\"MODIFIED\",\"object\":{\"kind\":\"Service\",\"metadata\":"
                + "{\"name\":\"big\",\"namespace\":\"default\",\"annotations\":{\"x\":\"";

        assertThatThrownBy(() -> new ObjectStream(new CountingEndless(event, "a")).nextEvent())
                .hasMessage("has more than 8 MiB without the end of an object: Service default/big");
        assertThatThrownBy(() -> new ObjectStream(new CountingEndless(event + "\"},\"z\":[", "[],")).nextEvent())
                .hasMessage("has an object of more than 1000000 values: Service default/big");
    }

    @Test
    void the_largest_objects_that_can_be_stored_pass() throws IOException {
        String text = "\\u0000".repeat(1 << 20);
        StringBuilder ports = new StringBuilder();
        for (int port = 1; port <= 65_535; port++) {
            ports.append("{\"name\":\"p").append(port).append("\",\"protocol\":\"TCP\",\"port\":").append(port)
                    .append(",\"targetPort\":").append(port).append("},");
        }
        String items = "{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"annotations\":{\"x\":\"" + text
                + "\"}},\"spec\":{}},{\"metadata\":{\"name\":\"b\",\"namespace\":\"n\"},\"spec\":{\"ports\":["
                + ports.substring(0, ports.length() - 1) + "]}}";

        assertThat(read("{\"kind\":\"ServiceList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"7\"},"
                + "\"items\":[" + items + "]}")).containsExactly("n/a", "n/b");
    }

    @Test
    void a_list_has_a_bound_as_a_whole() {
        assertThatThrownBy(() -> {
            try (ObjectStream stream = new ObjectStream(new SequenceInputStream(Collections.enumeration(List.of(
                    bytes("{\"items\":["), new CountingEndless("", "{\"metadata\":{\"name\":\"a\"}},")))), 3 << 20)) {
                stream.readList(item -> {});
            }
        }).isInstanceOf(SuspectAnswerException.class).hasMessage("has more than 3 MiB in all");
    }

    /** Whatever bytes come, they are believed or not; nothing else happens. */
    @Test
    void broken_bytes_are_no_list_and_no_fault() {
        byte[] good = GOOD.getBytes(StandardCharsets.UTF_8);
        for (long seed = 0; seed < 20_000; seed++) {
            SplittableRandom random = new SplittableRandom(seed);
            byte[] bytes = good.clone();
            for (int i = random.nextInt(1, 4); i > 0; i--) {
                bytes[random.nextInt(bytes.length)] =
                        (byte) (random.nextBoolean() ? "{}[]\":,0 \\n".charAt(random.nextInt(11))
                                : random.nextInt(256));
            }
            try {
                assertThat(read(ObjectKind.SERVICE, new ByteArrayInputStream(bytes))).as("seed %d", seed)
                        .hasSizeLessThanOrEqualTo(2);
            } catch (IOException e) {
                assertThat(e.getMessage()).as("seed %d", seed).doesNotContain("\n").isNotEmpty();
            }
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', nullValues = "-", textBlock = """
            {"type":"ADDED","object":OBJECT}    | Put n/a 8
            {"type":"MODIFIED","object":OBJECT} | Put n/a 8
            {"type":"DELETED","object":OBJECT}  | Removed n/a 8
            {"type":"BOOKMARK","object":{"kind":"Service","apiVersion":"v1","metadata":{"resourceVersion":"9"}}}  | Bookmark 9
            {"type":"BOOKMARK","object":{"kind":"Service","apiVersion":"v1","metadata":{"resourceVersion":"7"}}}  | Bookmark 7
            {"type":"BOOKMARK","object":{"kind":"Service","apiVersion":"v1","metadata":{"resourceVersion":"5"}}}  | StoreWentBack
            {"type":"MODIFIED","object":OLD}    | StoreWentBack
            {"type":"DELETED","object":OLD}     | StoreWentBack
            {"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"9"}}}      | Suspect
            {"type":"BOOKMARK","object":{"kind":"Service","apiVersion":"v1","metadata":{}}}                       | Suspect
            {"type":"BOGUS","object":OBJECT}    | Suspect
            {"object":OBJECT}                   | Suspect
            {"type":"ADDED"}                    | Suspect
            {"type":"ADDED","object":null}      | Suspect
            {"type":"ADDED","object":{"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","namespace":"n","resourceVersion":"8"},"spec":{}}}      | Suspect
            {"type":"ADDED","object":{"metadata":{"name":"a","namespace":"n","resourceVersion":"8"},"spec":{}}}                                     | Suspect
            {"type":"DELETED","object":{"kind":"Service","apiVersion":"v1","metadata":{"resourceVersion":"8"},"spec":{}}}                           | Suspect
            {"type":"ADDED","object":{"kind":"Service","apiVersion":"v1","metadata":{"name":"a","namespace":"n"},"spec":{}}}                        | Suspect
            {"type":"ADDED","object":{"kind":"Service","apiVersion":"v1","metadata":{"name":"a","namespace":"n","resourceVersion":"8"},"spec":[]}}  | Suspect
            {"type":"ERROR","object":{"kind":"Status","code":410,"message":"too old"}}                            | Api 410
            {"type":"ERROR","object":{"kind":"Status"}}                                                           | Api 500
            {"type":"ERROR","object":OBJECT}                                                                      | Suspect
            """)
    void a_watch_says_what_it_says_or_nothing(String event, String read) throws IOException {
        String object = "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\","
                + "\"resourceVersion\":\"8\"},\"spec\":{}}";
        String line = event.replace("OBJECT", object).replace("OLD", object.replace("\"8\"", "\"6\""));

        assertThat(outcome(line)).isEqualTo(read);
    }

    private static String outcome(String line) throws IOException {
        try (ObjectStream stream = new ObjectStream(bytes(line + "\n"))) {
            return switch (WatchEvent.read(stream.nextEvent(), ObjectKind.SERVICE, "7")) {
                case WatchEvent.Put put -> "Put " + put.key() + " " + put.version();
                case WatchEvent.Removed removed -> "Removed " + removed.key() + " " + removed.version();
                case WatchEvent.Bookmark bookmark -> "Bookmark " + bookmark.version();
            };
        } catch (ApiException e) {
            return "Api " + e.code();
        } catch (StoreWentBackException e) {
            return "StoreWentBack";
        } catch (SuspectAnswerException e) {
            return "Suspect";
        }
    }
}
