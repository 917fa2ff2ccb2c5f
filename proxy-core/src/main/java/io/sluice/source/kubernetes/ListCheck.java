package io.sluice.source.kubernetes;

import io.sluice.source.kubernetes.ObjectStream.ListHead;
import java.util.HashSet;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Checks that the pages of one list are a response of an API server: all of the requested kind, of one version, with items
 * that have names, each of them once. A single invalid item makes the whole list suspect: an API server stores none, so that
 * something else has responded. Pure; one for each list, not thread-safe.
 */
final class ListCheck {

    /** 250,000 endpoints of 40,000 Services, each endpoint in its own slice, are 250,000 objects. */
    static final int MOST_OBJECTS = 1_000_000;
    /** The same are less than 300 MB, with all fields that controllers write. */
    static final long MOST_BYTES = 1L << 30;
    /** A page may be empty and not the last; a real list of the most objects has a fifth of these. */
    static final int MOST_PAGES = 10_000;
    /** The token goes back to the server in a URL. */
    private static final int LONGEST_TOKEN = 4096;

    private final ObjectKind kind;
    private final Set<ObjectKey> seen = new HashSet<>();
    private boolean mixed;
    private long bytes;
    private int pages;
    private String version = "";
    private String next = "";

    ListCheck(ObjectKind kind) {
        this.kind = kind;
    }

    /** How many bytes the rest of the list may have. */
    long bytesLeft() {
        return MOST_BYTES - bytes;
    }

    /**
     * The head of a page, before the items as far as it is known, and again after them; an unknown text is empty. A
     * {@code v1 List}, as kubectl prints one, is a list of the kinds that its items have.
     */
    void head(String apiVersion, String listKind) throws SuspectAnswerException {
        mixed = listKind.equals("List") && apiVersion.equals("v1");
        if (!mixed && !(listKind.equals(kind.kind() + "List") && apiVersion.equals(kind.apiVersion()))) {
            throw new SuspectAnswerException("is " + ObjectKind.shown(apiVersion) + " " + ObjectKind.shown(listKind)
                    + " where " + kind.apiVersion() + " " + kind.kind() + "List was asked for");
        }
    }

    /** Checks an item and returns its name. */
    ObjectKey item(JsonNode item) throws SuspectAnswerException {
        ObjectKey key = kind.check(item, !mixed);
        if (!seen.add(key)) {
            throw new SuspectAnswerException("has the " + kind.kind() + " " + key + " twice");
        }
        if (seen.size() > MOST_OBJECTS) {
            throw new SuspectAnswerException("has more than " + MOST_OBJECTS + " objects");
        }
        return key;
    }

    /** A page of {@code length} bytes has ended. */
    void page(ListHead head, long length) throws SuspectAnswerException {
        bytes += length;
        head(head.apiVersion(), head.kind());
        if (head.version().isEmpty() || head.version().length() > LONGEST_TOKEN) {
            throw new SuspectAnswerException("has no resourceVersion");
        }
        if (!version.isEmpty() && !version.equals(head.version())) {
            throw new SuspectAnswerException("goes over from version " + version + " to "
                    + ObjectKind.shown(head.version()) + " from one page to the next");
        }
        if (!head.next().isEmpty() && (head.next().equals(next) || head.next().length() > LONGEST_TOKEN)
                || ++pages > MOST_PAGES) {
            throw new SuspectAnswerException("has no end: page follows page");
        }
        version = head.version();
        next = head.next();
    }
}
