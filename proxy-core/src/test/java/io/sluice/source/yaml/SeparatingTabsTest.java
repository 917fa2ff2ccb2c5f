package io.sluice.source.yaml;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.source.yaml.YamlNode.Mapping;
import io.sluice.source.yaml.YamlNode.Scalar;
import io.sluice.source.yaml.YamlNode.Sequence;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tabs that separate are YAML, those that belong to a text stay, and indentation has none (YAML 1.2.2, 6.1 and 6.2). */
class SeparatingTabsTest {

    private static String shown(String text) throws YamlException {
        YamlReader reader = new YamlReader(text.getBytes(StandardCharsets.UTF_8), ReadingBudget.start());
        List<String> documents = new ArrayList<>();
        for (YamlNode document = reader.next(); document != null; document = reader.next()) {
            documents.add(shown(document));
        }
        return String.join(" --- ", documents).replace('\t', '>').replace("\n", "/");
    }

    private static String shown(YamlNode node) {
        return switch (node) {
            case Scalar scalar -> scalar.isNull() ? "~" : scalar.text();
            case Sequence list -> list.elements().stream().map(SeparatingTabsTest::shown).toList().toString();
            case Mapping map -> "{" + String.join(", ",
                    map.members().stream().map(m -> m.key().text() + ": " + shown(m.value())).toList()) + "}";
        };
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(delimiter = '$', quoteCharacter = '`', textBlock = """
            after a colon                        $ a:>b                                $ {a: b}
            tabs and spaces after a colon        $ a: > >b                             $ {a: b}
            before a collection in braces        $ a:>{b:>1,>c: 2}                     $ {a: {b: 1, c: 2}}
            before a remark                      $ a:>1>#>remark/b:>'x'>#>remark       $ {a: 1, b: x}
            after a dash                         $ a:>1/b:/->2/- [3,>4]>/              $ {a: 1, b: [2, [3, 4]]}
            after a collection                   $ a: [1]>#>x/b:>2                     $ {a: [1], b: 2}
            before a line that begins deeper     $ a:>/  b:>1                          $ {a: {b: 1}}
            a text in quotes keeps its own       $ a:>"x:>y>"/b:>'it''s:>z'           $ {a: x:>y>, b: it's:>z}
            a quoted text over two lines         $ a:>"x/  b:>y"/c:>1                  $ {a: x b:>y, c: 1}
            a plain text keeps its own           $ a:>x>y/b:>1                         $ {a: x>y, b: 1}
            a block keeps its own                $ a:>|/  b:>1/  c/d:>2                $ {a: b:>1/c/, d: 2}
            a block in a list keeps its own      $ - a:>|/    b:>1/  c:>2              $ [{a: b:>1/, c: 2}]
            a block as an element keeps its own  $ -   |/  b:>1/->c                    $ [b:>1/, c]
            a block of its own document          $ --- |/  b:>1/---/a:>1               $ b:>1/ --- {a: 1}
            a block with a tag keeps its own     $ a:>!!str |/  b:>1/c:>2              $ {a: b:>1/, c: 2}
            a later document                     $ a: 1/---/b: 2/---/c:>3              $ {a: 1} --- {b: 2} --- {c: 3}
            a key in quotes                      $ "a b":>1/'c':>2                     $ {a b: 1, c: 2}
            an anchor and an alias               $ a:>&x>1/b:>*x                       $ {a: 1, b: 1}
            """)
    void what_separates_may_be_a_tab(String rule, String text, String nodes) throws YamlException {
        assertThat(shown(text.replace('>', '\t').replace('/', '\n'))).isEqualTo(nodes);
    }

    @ParameterizedTest
    @ValueSource(strings = {"a:\n\tb: 1", "a:\n  b: 1\n\tc: 1", "a:\t1\nb:\n\tc: 1"})
    void a_tab_that_indents_is_refused(String text) {
        assertThatThrownBy(() -> shown(text)).isInstanceOf(YamlException.class).hasMessageContaining("TAB");
    }

    @Test
    void a_file_of_nothing_but_tabs_takes_no_longer_than_another() throws YamlException {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < 20_000; i++) {
            text.append("key").append(i).append(":\t\t\tvalue\t# remark\n");
        }
        assertThat(shown(text.toString())).startsWith("{key0: value, key1: value").endsWith("key19999: value}");
    }
}
