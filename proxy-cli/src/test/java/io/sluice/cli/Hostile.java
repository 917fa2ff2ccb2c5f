package io.sluice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.text.Printable;
import java.util.List;
import java.util.stream.Stream;

/** What somebody may write into a name, an annotation, a path or a message who wants to fool whoever reads of it. */
public final class Hostile {

    public static final List<String> SHORT =
            List.of("x\n14:00:00.000 ERROR Sluice the disk is on fire", "x\r\nsluice: error",
                    "\u001b[2K\u001b[31m", "\u001b]0;title\u0007", "a\u0000b\bc\u007f", "\u0085next", "\u009b2J",
                    "a\u2028b\u2029c", "\u202egnp.exe\u202c", "\u2066isolated\u2069", "half a pair \ud83d",
                    "\ude00 half a pair",
                    "\ufeff\u200b", "\"quoted' <b>&amp;</b> \\", "{} {}", "@|red text|@", "\tat java.lang.Thread.run",
                    "ü 世界 😀");

    /** The same, and one of a million characters. */
    public static final List<String> TEXTS =
            Stream.concat(SHORT.stream(), Stream.of("\u001b[2K" + "x".repeat(1_000_000) + "\u009b")).toList();

    private Hostile() {}

    /** That nothing in {@code shown} but line feeds and tabs is a command to a terminal, and that it has a bound. */
    public static void isHarmless(String shown) {
        assertThat(shown.codePoints().filter(c -> c != '\n' && c != '\t' && !Printable.isSafe(c))
                .mapToObj(c -> String.format("U+%04X", c))).isEmpty();
        assertThat(shown.length()).isLessThan(500_000);
    }
}
