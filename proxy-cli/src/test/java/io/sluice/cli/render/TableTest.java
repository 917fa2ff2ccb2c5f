package io.sluice.cli.render;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class TableTest {

    @Test
    void columnsAreAsWideAsTheirWidestCellAndLinesHaveNoTrailingBlanks() {
        Table table = new Table("NAME", "AGE", "NOTE").row("kubia", "5m", "").row("a-longer-name", 3, "x");

        assertThat(table).hasToString("""
                NAME            AGE   NOTE
                kubia           5m
                a-longer-name   3     x
                """);
    }

    @Test
    void aTableWithoutRowsIsEmpty() {
        assertThat(new Table("NAME").isEmpty()).isTrue();
        assertThat(new Table("NAME").row("a").isEmpty()).isFalse();
    }

    @Test
    void aRowHasOneCellForEachHeader() {
        Table table = new Table("NAME", "AGE");
        assertThatThrownBy(() -> table.row("a")).isInstanceOf(IllegalArgumentException.class);
    }
}
