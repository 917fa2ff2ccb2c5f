package io.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.sluice.text.PrintableJson;
import java.util.Arrays;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.json.JsonMapper;

/** Records to JSON that is printable: fields in the order of the record, times as RFC 3339 text, null left out. */
final class Json {

    private static final JsonMapper MAPPER = PrintableJson.builder()
            .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
            .changeDefaultPropertyInclusion(inclusion -> inclusion.withValueInclusion(JsonInclude.Include.NON_NULL))
            .build();

    private Json() {}

    /** In UTF-8, with a line feed at the end so that a terminal's prompt starts on a line of its own. */
    static byte[] write(Object view) {
        byte[] json = MAPPER.writeValueAsBytes(view);
        byte[] line = Arrays.copyOf(json, json.length + 1);
        line[json.length] = '\n';
        return line;
    }
}
