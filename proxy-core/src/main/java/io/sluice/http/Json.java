package io.sluice.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.sluice.text.PrintableJson;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Iterator;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.json.JsonMapper;

/** Records to JSON that is printable: fields in the order of the record, times as RFC 3339 text, null left out. */
final class Json {

    private static final JsonMapper MAPPER = PrintableJson.builder()
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY).disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
            .changeDefaultPropertyInclusion(inclusion -> inclusion.withValueInclusion(JsonInclude.Include.NON_NULL))
            .build();

    private Json() {}

    /** In UTF-8, with a line feed at the end so that a terminal's prompt starts on a line of its own. */
    static void write(Object view, OutputStream out) throws IOException {
        MAPPER.writeValue(out, view);
        out.write('\n');
    }

    /**
     * The same of a record with one more field, whose elements are written one by one.
     *
     * @param head     the other fields, at least one of which is not null
     * @param elements read one by one, as they are written
     */
    static Response.Maker list(Object head, String field, Iterator<?> elements) {
        return new Response.Maker() {
            private boolean begun;
            private boolean first = true;

            @Override
            public boolean writeSome(OutputStream out) throws IOException {
                if (!begun) {
                    begun = true;
                    byte[] others = MAPPER.writeValueAsBytes(head);
                    out.write(others, 0, others.length - 1);
                    out.write((",\"" + field + "\":[").getBytes(StandardCharsets.UTF_8));
                }
                if (elements.hasNext()) {
                    if (!first) {
                        out.write(',');
                    }
                    first = false;
                    out.write(MAPPER.writeValueAsBytes(elements.next()));
                    return true;
                }
                out.write("]}\n".getBytes(StandardCharsets.UTF_8));
                return false;
            }
        };
    }
}
