package io.sluice.datagram;

import org.jspecify.annotations.Nullable;

/** A flow's place in a {@link FlowList}. */
final class FlowLink {

    final Flow flow;
    @Nullable
    FlowList list;
    @Nullable
    FlowLink older;
    @Nullable
    FlowLink younger;

    FlowLink(Flow flow) {
        this.flow = flow;
    }

    /** Removes the flow from its list, if it is in one. */
    void remove() {
        if (list != null) {
            list.remove(this);
        }
    }
}
