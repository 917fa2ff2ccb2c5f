package io.sluice.cli.render;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.cli.Hostile;
import java.io.IOException;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What reaches a standard stream of what a command prints. */
class PrintableWriterTest {

    private static String written(boolean colours, String... parts) throws IOException {
        StringWriter out = new StringWriter();
        PrintableWriter writer = new PrintableWriter(out, colours);
        for (String part : parts) {
            writer.write(part);
        }
        writer.flush();
        return out.toString();
    }

    @ParameterizedTest(name = "with colours {0}: {1}")
    @CsvSource(delimiter = '|', value = {"true  | ␛[1;31merror␛[0m | ␛[1;31merror␛[0m",
            "false | ␛[31mx | \\u001b[31mx", "true | ␛[2K | \\u001b[2K", "true | ␛[ | \\u001b[", "true | ␛ | \\u001b",
            "true | ␛]0;x | \\u001b]0;x", "true | ␛[31␛[0m | \\u001b[31␛[0m"})
    void escape_sequences_are_written_out_but_for_our_colours(boolean colours, String text, String shown)
            throws IOException {
        assertThat(written(colours, text.replace('␛', '\u001b'))).isEqualTo(shown.replace('␛', '\u001b'));
    }

    @Test
    void nothing_else_passes_in_whatever_parts_it_comes() throws IOException {
        for (String hostile : Hostile.SHORT) {
            assertThat(written(true, hostile).replace("\u001b[31m", "")).satisfies(Hostile::isHarmless);
            assertThat(written(false, hostile.split("(?!^)"))).isEqualTo(written(false, hostile));
        }
    }

    @Test
    void a_character_of_two_units_may_come_in_two_parts() throws IOException {
        assertThat(written(false, "a\ud83d", "\ude00b\n\t")).isEqualTo("a😀b\n\t");
        assertThat(written(false, "a\ud83d")).isEqualTo("a\\ud83d");
    }
}
