package io.sluice.cli.up;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.daemon.StartException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** When an edit of the programs' file counts. */
class ProgramEditsTest {

    @TempDir
    private Path directory;

    private final List<List<Program>> planned = new ArrayList<>();

    private ProgramPlan plan(List<Program> programs) {
        planned.add(programs);
        return new ProgramPlan(List.of(), List.of());
    }

    @Test
    void an_edit_counts_once_and_not_before_a_second_look_has_seen_it() throws IOException, StartException {
        Path file = Files.writeString(directory.resolve("Procfile"), "api: one\n");
        ProgramEdits edits = new ProgramEdits(file, this::plan);
        assertThat(edits.look()).isEmpty();
        Files.writeString(file, "api: another\n");
        assertThat(edits.look()).isEmpty();
        Files.writeString(file, "api: another one\n");
        assertThat(edits.look()).isEmpty();
        assertThat(edits.look()).isPresent();
        assertThat(edits.look()).isEmpty();
        assertThat(planned).singleElement()
                .satisfies(programs -> assertThat(programs.getFirst().command()).contains("another one"));
    }

    @Test
    void a_mistake_is_told_once_and_the_next_edit_counts() throws IOException, StartException {
        Path file = Files.writeString(directory.resolve("Procfile"), "api: one\n");
        ProgramEdits edits = new ProgramEdits(file, this::plan);
        Files.writeString(file, "nonsense\n");
        assertThat(edits.look()).isEmpty();
        assertThatThrownBy(edits::look).isInstanceOf(StartException.class)
                .hasMessageContaining("Procfile:1: 'nonsense'");
        assertThat(edits.look()).isEmpty();
        Files.writeString(file, "api: three words here\n");
        assertThat(edits.look()).isEmpty();
        assertThat(edits.look()).isPresent();
    }

    @Test
    void a_file_that_is_gone_for_a_while_changes_nothing() throws IOException, StartException {
        Path file = Files.writeString(directory.resolve("Procfile"), "api: one\n");
        ProgramEdits edits = new ProgramEdits(file, this::plan);
        Files.delete(file);
        assertThat(edits.look()).isEmpty();
        assertThat(edits.look()).isEmpty();
        assertThat(planned).isEmpty();
    }
}
