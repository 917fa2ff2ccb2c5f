package io.sluice.http;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.sluice.text.PrintableJson;
import java.io.IOException;
import java.io.OutputStream;
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
}
