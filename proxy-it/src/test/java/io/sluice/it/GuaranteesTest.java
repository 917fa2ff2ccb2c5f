package io.sluice.it;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** {@code docs/guarantees.md} promises nothing that no test shows. */
class GuaranteesTest {

    private static final Pattern NAMED = Pattern.compile("`([a-z]+\\.[A-Za-z]+IT)(?:#([a-z_0-9]+))?`");

    @Test
    void every_line_names_a_test_that_there_is() throws IOException, ClassNotFoundException {
        List<String> rows = Files.readAllLines(Path.of("..", "docs", "guarantees.md")).stream()
                .filter(line -> line.startsWith("| ") && !line.startsWith("| event") && !line.startsWith("| ---"))
                .toList();

        assertThat(rows).hasSizeGreaterThan(30);
        for (String row : rows) {
            Matcher named = NAMED.matcher(row);
            assertThat(named.find()).as(row).isTrue();
            do {
                Class<?> test = Class.forName("io.sluice.it." + named.group(1));
                if (named.group(2) != null) {
                    assertThat(Arrays.stream(test.getDeclaredMethods()).map(method -> method.getName())).as(row)
                            .contains(named.group(2));
                }
            } while (named.find());
        }
    }
}
