package io.sluice.source;

import java.util.Collection;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Finds the known word that an unknown word was probably meant to be. */
public final class Spelling {

    /** Of longer texts only the beginnings are compared. */
    private static final int MAX_LENGTH = 64;

    private Spelling() {}

    /**
     * The end of a message: "; did you mean …?" with the candidate that differs least from {@code text}, or nothing if
     * none is near enough for a typing error. Upper case, hyphens and underscores make no difference.
     */
    public static String didYouMean(String text, Collection<String> candidates) {
        String nearest = nearest(text, candidates);
        return nearest == null ? "" : "; did you mean " + nearest + "?";
    }

    private static @Nullable String nearest(String text, Collection<String> candidates) {
        String nearest = null;
        String letters = letters(text);
        int least = letters.length() <= 4 ? 2 : 3;
        for (String candidate : candidates) {
            int distance = distance(letters, letters(candidate));
            if (distance < least || distance == least && nearest != null && candidate.compareTo(nearest) < 0) {
                least = distance;
                nearest = candidate;
            }
        }
        return nearest;
    }

    private static String letters(String text) {
        return text.replaceAll("[-_]", "").toLowerCase(Locale.ROOT);
    }

    /**
     * The number of letters to add, drop or replace, or of neighbours to exchange, to turn one text into the other
     * (Damerau-Levenshtein, each part of a text being changed once).
     */
    public static int distance(String from, String to) {
        String a = from.substring(0, Math.min(from.length(), MAX_LENGTH));
        String b = to.substring(0, Math.min(to.length(), MAX_LENGTH));
        int[] before = new int[b.length() + 1];
        int[] last = new int[b.length() + 1];
        int[] row = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            row[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] oldest = before;
            before = last;
            last = row;
            row = oldest;
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int replaced = last[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
                row[j] = Math.min(replaced, Math.min(last[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a.charAt(i - 1) == b.charAt(j - 2) && a.charAt(i - 2) == b.charAt(j - 1)) {
                    row[j] = Math.min(row[j], before[j - 2] + 1);
                }
            }
        }
        return row[b.length()];
    }
}
