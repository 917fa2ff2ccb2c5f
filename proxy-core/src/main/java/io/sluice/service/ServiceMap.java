package io.sluice.service;

import java.util.AbstractCollection;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Services by name, sorted; immutable. It is kept in blocks, and a map that was made of another one by {@link #with} shares
 * those in which nothing differs: of 40,000 Services a change copies two blocks' worth of references, and the walk over two
 * such maps looks into no shared block.
 */
public final class ServiceMap extends AbstractMap<ServiceName, ServiceState> {

    /** No Service. */
    public static final ServiceMap EMPTY = new ServiceMap(new ServiceState[0][], 0);

    /** The most Services of a block: about the square root of how many a large cluster has. */
    private static final int BLOCK = 128;

    private final ServiceState[][] blocks;
    private final int size;

    private ServiceMap(ServiceState[][] blocks, int size) {
        this.blocks = blocks;
        this.size = size;
    }

    /**
     * A Service that differs between two maps.
     *
     * @param before null if it is new
     * @param now    null if it is gone
     */
    public record Difference(@Nullable ServiceState before, @Nullable ServiceState now) {

        /** Its name. */
        public ServiceName name() {
            return ServiceMap.name(Objects.requireNonNull(now == null ? before : now));
        }
    }

    /** These Services, each under its own name. */
    public static ServiceMap of(Map<ServiceName, ServiceState> services) {
        return services instanceof ServiceMap map ? map : EMPTY.with(services, Set.of());
    }

    /**
     * This map with some Services replaced or added, and others removed; this map itself if that is none.
     *
     * @param put     by name; in both arguments a Service counts as put
     * @param removed names, which need not be in this map
     */
    public ServiceMap with(Map<ServiceName, ServiceState> put, Collection<ServiceName> removed) {
        SortedMap<ServiceName, @Nullable ServiceState> changes = new TreeMap<>();
        removed.forEach(name -> changes.put(name, null));
        changes.putAll(put);
        if (changes.isEmpty()) {
            return this;
        }
        List<ServiceState[]> all = new ArrayList<>(blocks.length + 1);
        int count = 0;
        for (int i = 0; i < Math.max(blocks.length, 1); i++) {
            ServiceState[] block = i < blocks.length ? blocks[i] : new ServiceState[0];
            // The last block takes everything that sorts after it, the first what sorts before it.
            SortedMap<ServiceName, @Nullable ServiceState> here =
                    i + 1 < blocks.length ? changes.headMap(first(i + 1)) : changes;
            ServiceState[] merged = block;
            if (!here.isEmpty()) {
                merged = merge(block, here);
                here.clear();
            }
            count += merged.length;
            append(all, merged);
        }
        return new ServiceMap(all.toArray(ServiceState[][]::new), count);
    }

    private static ServiceState[] merge(ServiceState[] block,
            SortedMap<ServiceName, @Nullable ServiceState> changes) {
        List<ServiceState> merged = new ArrayList<>(block.length + changes.size());
        int next = 0;
        for (Map.Entry<ServiceName, @Nullable ServiceState> change : changes.entrySet()) {
            while (next < block.length && name(block[next]).compareTo(change.getKey()) < 0) {
                merged.add(block[next++]);
            }
            if (next < block.length && name(block[next]).equals(change.getKey())) {
                next++;
            }
            if (change.getValue() != null) {
                merged.add(change.getValue());
            }
        }
        merged.addAll(Arrays.asList(block).subList(next, block.length));
        return merged.toArray(ServiceState[]::new);
    }

    /** In blocks that are neither too large nor, where the one before them has room, too small. */
    private static void append(List<ServiceState[]> blocks, ServiceState[] added) {
        if (added.length > BLOCK) {
            int parts = (added.length + BLOCK - 1) / BLOCK;
            for (int i = 0; i < parts; i++) {
                blocks.add(Arrays.copyOfRange(added, (int) ((long) added.length * i / parts),
                        (int) ((long) added.length * (i + 1) / parts)));
            }
        } else if (!blocks.isEmpty() && added.length < BLOCK / 4
                && blocks.getLast().length + added.length <= BLOCK / 2) {
            ServiceState[] before = blocks.removeLast();
            ServiceState[] both = Arrays.copyOf(before, before.length + added.length);
            System.arraycopy(added, 0, both, before.length, added.length);
            blocks.add(both);
        } else if (added.length > 0) {
            blocks.add(added);
        }
    }

    /** The Services that came, went or differ since {@code before}, in the order of their names. */
    public List<Difference> since(ServiceMap before) {
        List<Difference> found = new ArrayList<>();
        Cursor old = new Cursor(before.blocks);
        Cursor now = new Cursor(blocks);
        while (!old.atEnd() || !now.atEnd()) {
            if (old.skipShared(now)) {
                continue;
            }
            int order = old.atEnd() ? 1 : now.atEnd() ? -1 : name(old.peek()).compareTo(name(now.peek()));
            ServiceState was = order <= 0 ? old.next() : null;
            ServiceState is = order >= 0 ? now.next() : null;
            if (was == null || !was.equals(is)) {
                found.add(new Difference(was, is));
            }
        }
        return found;
    }

    @Override
    public int size() {
        return size;
    }

    @Override
    public @Nullable ServiceState get(@Nullable Object key) {
        if (!(key instanceof ServiceName name)) {
            return null;
        }
        int low = 0;
        int high = blocks.length - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (first(middle).compareTo(name) <= 0) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        if (high < 0) {
            return null;
        }
        ServiceState[] block = blocks[low];
        low = 0;
        high = block.length - 1;
        while (low <= high) {
            int middle = (low + high) >>> 1;
            int order = name(block[middle]).compareTo(name);
            if (order == 0) {
                return block[middle];
            }
            if (order < 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        return null;
    }

    @Override
    public boolean containsKey(@Nullable Object key) {
        return get(key) != null;
    }

    @Override
    public Collection<ServiceState> values() {
        return new AbstractCollection<>() {
            @Override
            public Iterator<ServiceState> iterator() {
                return new Cursor(blocks);
            }

            @Override
            public int size() {
                return size;
            }
        };
    }

    @Override
    public Set<Entry<ServiceName, ServiceState>> entrySet() {
        return new AbstractSet<>() {
            @Override
            public Iterator<Entry<ServiceName, ServiceState>> iterator() {
                Cursor states = new Cursor(blocks);
                return new Iterator<>() {
                    @Override
                    public boolean hasNext() {
                        return states.hasNext();
                    }

                    @Override
                    public Entry<ServiceName, ServiceState> next() {
                        ServiceState state = states.next();
                        return Map.entry(name(state), state);
                    }
                };
            }

            @Override
            public int size() {
                return size;
            }
        };
    }

    private ServiceName first(int block) {
        return name(blocks[block][0]);
    }

    private static ServiceName name(ServiceState state) {
        return state.service().name();
    }

    /** A place between two Services. */
    private static final class Cursor implements Iterator<ServiceState> {

        private final ServiceState[][] blocks;
        private int block;
        private int index;

        Cursor(ServiceState[][] blocks) {
            this.blocks = blocks;
        }

        boolean atEnd() {
            return block == blocks.length;
        }

        ServiceState peek() {
            return blocks[block][index];
        }

        /** Passes over a block that starts here and there and is the same one. */
        @SuppressWarnings("ReferenceEquality") // that blocks are shared is what spares looking into them
        boolean skipShared(Cursor other) {
            if (index != 0 || other.index != 0 || atEnd() || other.atEnd()
                    || blocks[block] != other.blocks[other.block]) {
                return false;
            }
            block++;
            other.block++;
            return true;
        }

        @Override
        public boolean hasNext() {
            return !atEnd();
        }

        @Override
        public ServiceState next() {
            if (atEnd()) {
                throw new NoSuchElementException();
            }
            ServiceState state = peek();
            if (++index == blocks[block].length) {
                index = 0;
                block++;
            }
            return state;
        }
    }
}
