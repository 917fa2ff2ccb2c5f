package io.sluice.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.json.JsonMapper;

/** What text of others looks like when it is shown. The table writes characters by their number: {@code <1b>}. */
class PrintableTest {

    private static String read(String cell) {
        return Pattern.compile("<([0-9a-f]+)>").matcher(cell)
                .replaceAll(match -> Matcher.quoteReplacement(number(match.group(1))));
    }

    private static String number(String hex) {
        int value = Integer.parseInt(hex, 16);
        return value >= 0xd800 && value < 0xe000 ? String.valueOf((char) value) : Character.toString(value);
    }

    @ParameterizedTest(name = "{0}: {1} is shown as {2}")
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
            "plain text stays                           | default/kubia:http 10.0.0.1 'x' \"y\" | default/kubia:http 10.0.0.1 'x' \"y\"",
            "letters of any language stay               | Grüße, 世界, <1f600>                   | Grüße, 世界, <1f600>",
            "a backslash stays                          | a\\nb                                  | a\\nb",
            "a line feed                                | a<a>b                                  | a\\nb",
            "a carriage return                          | a<d>b                                  | a\\rb",
            "a tab                                      | a<9>b                                  | a\\tb",
            "NUL and bell                               | <0><7>                                 | \\u0000\\u0007",
            "an escape sequence that erases the line    | <1b>[2K                                | \\u001b[2K",
            "one that sets the terminal's title         | <1b>]0;x<7>                            | \\u001b]0;x\\u0007",
            "DEL                                        | <7f>                                   | \\u007f",
            "next line, of C1                           | <85>                                   | \\u0085",
            "an escape sequence in one C1 character     | <9b>31m                                | \\u009b31m",
            "line and paragraph separator               | <2028><2029>                           | \\u2028\\u2029",
            "a right-to-left override                   | <202e>gpj.exe                          | \\u202egpj.exe",
            "embeddings and isolates                    | <202a><2066><2069>                     | \\u202a\\u2066\\u2069",
            "marks without width                        | a<200b>b<feff>                         | a\\u200bb\\ufeff",
            "a tag beyond the basic plane               | <e0041>                                | \\udb40\\udc41",
            "half a surrogate pair, first               | <d83d>x                                | \\ud83dx",
            "half a surrogate pair, second              | x<de00>                                | x\\ude00"})
    void what_is_not_safe_is_written_out(String what, String text, String shown) {
        assertThat(Printable.of(read(text))).as(what).isEqualTo(read(shown));
        assertThat(Printable.of(read(shown))).as("twice").isEqualTo(read(shown));
    }

    @Test
    void long_text_is_cut_in_the_middle_and_says_by_how_much() {
        assertThat(Printable.of("x".repeat(100), 100)).hasSize(100);
        assertThat(Printable.of("a".repeat(75) + "b".repeat(4_000_000) + "c".repeat(25), 100))
                .isEqualTo("a".repeat(75) + "…(4,000,000 characters left out)…" + "c".repeat(25));
    }

    @Test
    void a_cut_does_not_break_a_character_that_is_two_units_long() {
        for (int before = 0; before < 2; before++) {
            String shown = Printable.of("x".repeat(before) + "😀".repeat(1000), 100);
            assertThat(shown).doesNotContain("\\ud").contains("characters left out").startsWith("x".repeat(before));
        }
    }

    @Test
    void json_of_any_text_is_the_same_data_and_printable() {
        Random random = new Random(7);
        for (int round = 0; round < 2000; round++) {
            StringBuilder text = new StringBuilder();
            for (int i = 0; i < 20; i++) {
                text.append((char) (random.nextBoolean() ? random.nextInt(0x100) : random.nextInt(0x10000)));
            }
            Map<String, String> data = Map.of("key", text.toString());
            String json = PrintableJson.mapper().writeValueAsString(data);

            assertThat(Printable.of(json)).isEqualTo(json);
            assertThat(JsonMapper.shared().readTree(json).path("key").asString()).isEqualTo(text.toString());
            assertThat(new String(PrintableJson.mapper().writeValueAsBytes(data), StandardCharsets.UTF_8))
                    .isEqualTo(json);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', value = {"a | 2 | a", "a,b | 2 | a, b", "a,b,c | 2 | a, b and 1 more"})
    void of_many_the_first_are_named_and_the_others_counted(String items, int most, String shown) {
        assertThat(Printable.first(List.of(items.split(",", -1)), most)).isEqualTo(shown);
    }

    @Test
    void keys_are_printable_too() {
        assertThat(PrintableJson.mapper().writeValueAsString(Map.of("\u001b\u009b\u202e", 1)))
                .isEqualTo("{\"\\u001b\\u009b\\u202e\":1}".replace("\\u001b", "\\u001B"));
    }
}
