package io.sluice.source.kubernetes;

import io.sluice.source.kubernetes.ObjectStream.ListHead;
import java.util.HashSet;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Whether the pages of one list are what an API server answers: all of the kind that was asked for, of one version, with
 * items that have names, each of them once. A single odd item makes the whole list suspect: an API server has none, so the
 * answer is another's. Pure; one for each list, not thread-safe.
 */
final class ListCheck {

    /** 250,000 endpoints of 40,000 Services, each in a slice of its own, are 250,000 objects. */
    static final int MOST_OBJECTS = 1_000_000;
    /** The same are less than 300 MB with all that others write into an object. */
    static final long MOST_BYTES = 1L << 30;
    /** Pages may be empty while there are more of them; a real list of the most objects has a fifth of these. */
    static final int MOST_PAGES = 10_000;
    /** What is sent back to the server in a URL. */
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

    /** How many bytes may still come. */
    long bytesLeft() {
        return MOST_BYTES - bytes;
    }

    /**
     * The head of a page, as far as it stands before the items, and again at its end: each text empty while unknown. A
     * {@code v1 List}, as kubectl prints one, is a list of whatever its items say that they are.
     */
    void head(String apiVersion, String listKind) throws SuspectAnswerException {
        mixed = listKind.equals("List") && apiVersion.equals("v1");
        if (!mixed && !(listKind.equals(kind.kind() + "List") && apiVersion.equals(kind.apiVersion()))) {
            throw new SuspectAnswerException("is " + ObjectKind.said(apiVersion) + " " + ObjectKind.said(listKind)
                    + " where " + kind.apiVersion() + " " + kind.kind() + "List was asked for");
        }
    }

    /** The name of an item. */
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

    /** A page has ended, which had {@code length} bytes. */
    void page(ListHead head, long length) throws SuspectAnswerException {
        bytes += length;
        head(head.apiVersion(), head.kind());
        if (head.version().isEmpty() || head.version().length() > LONGEST_TOKEN) {
            throw new SuspectAnswerException("has no resourceVersion");
        }
        if (!version.isEmpty() && !version.equals(head.version())) {
            throw new SuspectAnswerException("goes over from version " + version + " to "
                    + ObjectKind.said(head.version()) + " from one page to the next");
        }
        if (!head.next().isEmpty() && (head.next().equals(next) || head.next().length() > LONGEST_TOKEN)
                || ++pages > MOST_PAGES) {
            throw new SuspectAnswerException("has no end: page follows page");
        }
        version = head.version();
        next = head.next();
    }
}
