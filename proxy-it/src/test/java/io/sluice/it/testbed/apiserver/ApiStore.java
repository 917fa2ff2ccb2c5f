package io.sluice.it.testbed.apiserver;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Predicate;
import java.util.function.Supplier;
import tools.jackson.databind.node.ObjectNode;

/** The objects of one API server with their history: one version for all, as etcd has it. Thread-safe. */
public final class ApiStore {

    /** One change of one object; for DELETED the object as it was last, with the version of its deletion. */
    record Event(long version, String type, String resource, ObjectNode object) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<String, ObjectNode> objects = new TreeMap<>();
    private final List<Event> history = new ArrayList<>();
    private long version;
    private long compacted;

    ApiStore(long firstVersion) {
        version = firstVersion;
        compacted = firstVersion;
    }

    /** The present version and everything of {@code resource} that is wanted, in the order of names. */
    record Listing(long version, List<ObjectNode> objects) {}

    Listing list(String resource, Predicate<ObjectNode> wanted) {
        return locked(() -> new Listing(version, objects.entrySet().stream()
                .filter(entry -> entry.getKey().startsWith(resource + " ")).map(Map.Entry::getValue).filter(wanted)
                .toList()));
    }

    Optional<ObjectNode> get(String resource, String namespace, String name) {
        return locked(() -> Optional.ofNullable(objects.get(key(resource, namespace, name))));
    }

    /** Stores an object, which must not be changed afterwards except by what is added here: its version. */
    ObjectNode put(String resource, ObjectNode object) {
        return locked(() -> {
            String key = key(resource, object.path("metadata").path("namespace").asString(""),
                    object.path("metadata").path("name").asString());
            ((ObjectNode) object.get("metadata")).put("resourceVersion", Long.toString(++version));
            boolean isNew = objects.put(key, object) == null;
            history.add(new Event(version, isNew ? "ADDED" : "MODIFIED", resource, object));
            changed.signalAll();
            return object;
        });
    }

    Optional<ObjectNode> delete(String resource, String namespace, String name) {
        return locked(() -> {
            ObjectNode removed = objects.remove(key(resource, namespace, name));
            if (removed != null) {
                ObjectNode last = removed.deepCopy();
                ((ObjectNode) last.get("metadata")).put("resourceVersion", Long.toString(++version));
                history.add(new Event(version, "DELETED", resource, last));
                changed.signalAll();
            }
            return Optional.ofNullable(removed);
        });
    }

    public long version() {
        return locked(() -> version);
    }

    /** Forgets the history: whoever wants to go on from before is told 410. */
    public void compact() {
        locked(() -> {
            history.clear();
            compacted = version;
            return compacted;
        });
    }

    /** Whether the history reaches back to {@code from}, and that version was ever reached. */
    boolean knows(long from) {
        return locked(() -> from >= compacted && from <= version);
    }

    /** What happened after {@code from}; waits up to {@code patience} for something. */
    List<Event> after(long from, Duration patience) throws InterruptedException {
        lock.lockInterruptibly();
        try {
            long left = patience.toNanos();
            while (version <= from && left > 0) {
                left = changed.awaitNanos(left);
            }
            return history.stream().skip(firstAfter(from)).toList();
        } finally {
            lock.unlock();
        }
    }

    private int firstAfter(long from) {
        int low = 0;
        int high = history.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (history.get(middle).version() <= from) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    private static String key(String resource, String namespace, String name) {
        return resource + " " + namespace + "/" + name;
    }

    private <T> T locked(Supplier<T> work) {
        lock.lock();
        try {
            return work.get();
        } finally {
            lock.unlock();
        }
    }
}
