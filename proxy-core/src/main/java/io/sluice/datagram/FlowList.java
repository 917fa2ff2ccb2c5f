package io.sluice.datagram;

import org.jspecify.annotations.Nullable;

/** Flows in the order in which they were added; each operation takes the same time, whatever their number. */
final class FlowList {

    private @Nullable FlowLink oldest;
    private @Nullable FlowLink youngest;
    private int size;

    int size() {
        return size;
    }

    @Nullable
    Flow oldest() {
        return oldest == null ? null : oldest.flow;
    }

    void add(FlowLink link) {
        link.list = this;
        link.older = youngest;
        link.younger = null;
        if (youngest == null) {
            oldest = link;
        } else {
            youngest.younger = link;
        }
        youngest = link;
        size++;
    }

    void remove(FlowLink link) {
        if (link.older == null) {
            oldest = link.younger;
        } else {
            link.older.younger = link.younger;
        }
        if (link.younger == null) {
            youngest = link.older;
        } else {
            link.younger.older = link.older;
        }
        link.list = null;
        link.older = null;
        link.younger = null;
        size--;
    }
}
