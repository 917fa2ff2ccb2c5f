package io.sluice.cli.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TableTest {

    @Test
    void columns_are_as_wide_as_their_widest_cell_and_lines_have_no_trailing_blanks() {
        Table table = new Table("NAME", "AGE", "NOTE").row("kubia", "5m", "").row("a-longer-name", 3, "x");

        assertThat(table).hasToString("""
                NAME            AGE   NOTE
                kubia           5m
                a-longer-name   3     x
                """);
    }

    @Test
    void a_table_without_rows_is_empty() {
        assertThat(new Table("NAME").isEmpty()).isTrue();
        assertThat(new Table("NAME").row("a").isEmpty()).isFalse();
    }

    @Test
    void a_row_has_one_cell_for_each_header() {
        Table table = new Table("NAME", "AGE");
        assertThatThrownBy(() -> table.row("a")).isInstanceOf(IllegalArgumentException.class);
    }
}
