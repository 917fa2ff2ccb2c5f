package io.sluice.nftables;

import io.sluice.linux.Errno;
import io.sluice.linux.ErrnoException;
import io.sluice.linux.SystemCalls;
import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Redirects connections to Services to the proxy, whatever addresses the Services have, and refuses or drops those that no
 * endpoint may get: the table {@code inet sluice} of nf_tables, with rules and routes for marked packets. {@code nft list
 * table inet sluice} shows it.
 *
 * <p>The proxy accepts on {@link ProxyPorts}. Its sockets to endpoints have the mark {@link PacketMarks#own}, and may have
 * a client's address. If the proxy dies, the kernel leads new connections along the direct ways of {@link Contents}, or
 * refuses them; {@link OwnedTable} tells it of this process's end.
 *
 * <p>The table changes nothing of other software: neither other tables nor other bits of marks ({@link PacketMarks}). A
 * process of this node reaches a Service only if there is any route to its address, such as a default route, because the
 * kernel looks for one before it evaluates the table.
 *
 * <p>The kernel tracks connections (conntrack) in a network namespace with such a table, as it does with any packet filter;
 * by the mark of a tracked connection, packets of this node's processes still reach the proxy when their Service is gone.
 * For each incoming packet the kernel searches for its socket and, unless that is the proxy's, looks up some sets; no
 * lookup costs more with more Services.
 *
 * <p>Needs CAP_NET_ADMIN and Linux 5.10. Control thread only; waits for the kernel, for ten seconds at the most. All
 * failures are {@link IOException}s with one line for the user; after one, the next {@link #apply} or {@link #repair}
 * begins anew.
 */
public final class InterceptionTable implements AutoCloseable {

    static final String NAME = "sluice";
    private static final String TRIAL = "sluice-trial";
    private static final Map<IpFamily, ProxyPorts> TRIAL_PORTS =
            Map.of(IpFamily.IPV4, new ProxyPorts(1, 2), IpFamily.IPV6, new ProxyPorts(1, 2));
    private static final Handles NONE = new Handles(0, List.of());
    /** An upper bound for the bytes of a batch around its elements. */
    private static final int AROUND_BYTES = 1024;
    private static final Logger LOG = LoggerFactory.getLogger(InterceptionTable.class);

    private final Map<IpFamily, ProxyPorts> ports;
    private final List<Cidr> podCidrs;
    private final boolean handsOff;
    private final Netfilter kernel;
    /** The contents of the last {@link #apply}; null before {@link #apply} and after {@link #close}. */
    private @Nullable Contents wanted;
    private Map<ServiceSocket, DirectWay> wantedWays = new HashMap<>();
    /** The state of the kernel; null if unknown. */
    private @Nullable InPlace inPlace;
    /** The direct ways that the kernel has, where that is known. */
    private final DirectWays ways = new DirectWays();
    /** The table and the rules that this object made last; null if the kernel has not reported them. */
    private @Nullable Handles made;
    /** Whether an earlier process had left a table when this object made its first; null if it has made none. */
    private @Nullable Boolean follows;

    /** What says that this process serves; null before the first table, after the last, and on a kernel without such tables. */
    private Netfilter.@Nullable Presence owned;
    /** Whether this kernel has such tables, as far as is known. */
    private boolean canOwn = true;

    /** The kernel's numbers for the table and its rules; of one table, no rule ever has the number of another one. */
    private record Handles(long table, List<Long> rules) {

        /** Whether {@code now} has other rules, all of them: another process serves. */
        boolean replacedBy(Handles now) {
            return now.table != table
                    || !now.rules.isEmpty() && !rules.isEmpty() && Collections.disjoint(rules, now.rules);
        }
    }

    /**
     * The state of the kernel.
     *
     * @param generation of the whole of nf_tables when the table was last verified; -1 if it has to be verified
     */
    private record InPlace(Contents contents, Handles handles, long generation) {}

    /**
     * Changes nothing yet.
     *
     * @param ports    where the proxy accepts; a family without is refused
     * @param podCidrs the addresses of pods
     * @param handsOff whether the proxy hands connections to the kernel; see {@link #whyNoHandoff}
     */
    public InterceptionTable(Map<IpFamily, ProxyPorts> ports, List<Cidr> podCidrs, boolean handsOff) {
        this(ports, podCidrs, handsOff, new HostNetfilter());
    }

    /** The same on other ground than this network namespace. */
    InterceptionTable(Map<IpFamily, ProxyPorts> ports, List<Cidr> podCidrs, boolean handsOff, Netfilter kernel) {
        this.kernel = kernel;
        this.handsOff = handsOff;
        this.ports = Map.copyOf(ports);
        this.podCidrs = List.copyOf(podCidrs);
    }

    /** The same, where the proxy hands no connections to the kernel. */
    public InterceptionTable(Map<IpFamily, ProxyPorts> ports, List<Cidr> podCidrs) {
        this(ports, podCidrs, false);
    }

    /** Why this kernel or this user cannot have such a table, in one line; tries one, and removes it at once. */
    public static Optional<String> whyNot() {
        return whyNot(false);
    }

    /** The same for the rules by which connections are handed to the kernel. */
    public static Optional<String> whyNoHandoff() {
        return whyNot(true);
    }

    private static Optional<String> whyNot(boolean handsOff) {
        if (!SystemCalls.available()) {
            return Optional.of("nf_tables is Linux's");
        }
        NftMessages trial = new NftMessages(InterceptionRules.BYTES);
        trial.beginBatch();
        InterceptionRules.write(trial, TRIAL, PacketMarks.SLUICE, List.of(), true, handsOff, TRIAL_PORTS);
        trial.table(false, TRIAL);
        trial.endBatch();
        try (NftSocket socket = NftSocket.open()) {
            socket.batch(trial);
            return Optional.empty();
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Applies {@code contents}. The first time, and after other software has changed the table, this makes the whole table
     * anew, also one that an earlier process has left, in one step without a gap; else it changes only the differences, all
     * of them in one step. Established connections go on.
     */
    public void apply(Contents contents) throws IOException {
        wanted = contents;
        wantedWays = new HashMap<>(contents.directWays());
        apply();
    }

    /**
     * Changes only the direct ways of these sockets; empty removes one. Costs grow with {@code some}. After {@link #apply}.
     */
    public void changeWays(Map<ServiceSocket, Optional<DirectWay>> some) throws IOException {
        some.forEach((socket, way) -> way.ifPresentOrElse(given -> wantedWays.put(socket, given),
                () -> wantedWays.remove(socket)));
        if (inPlace == null || wanted == null) {
            repair();
            return;
        }
        apply(() -> {
            ElementChanges changes = ElementChanges.none();
            ways.change(some, changes);
            return changes;
        });
    }

    private void apply() throws IOException {
        InPlace known = inPlace;
        apply(() -> {
            ElementChanges changes = known == null
                    ? ElementChanges.none()
                    : ElementChanges.between(known.contents, Objects.requireNonNull(wanted));
            ways.changeTo(wantedWays, changes);
            return changes;
        });
    }

    /** @param difference the changes from the state of the kernel to the wanted one, if the former is known */
    private void apply(Supplier<ElementChanges> difference) throws IOException {
        Contents contents = Objects.requireNonNull(wanted);
        InPlace known = inPlace;
        inPlace = null;
        if (known != null) {
            inPlace = changed(known, contents, difference);
        }
        if (inPlace == null) {
            inPlace = replaced(contents);
        }
    }

    /** Whether the table and its rules are those that this object has made; does not compare elements. */
    private static boolean isStillThere(Netfilter.Requests socket, InPlace known) throws IOException {
        boolean there = known.handles.equals(handles(socket));
        if (!there) {
            LOG.warn("somebody else removed or changed the table inet {} of nf_tables; made anew", NAME);
        }
        return there;
    }

    /** Null if there is no table. */
    private static @Nullable Handles handles(Netfilter.Requests socket) throws IOException {
        OptionalLong table = socket.tableHandle(NAME);
        return table.isPresent() ? new Handles(table.getAsLong(), socket.ruleHandles(NAME)) : null;
    }

    /** Changes the differences; null if the table is not as this object has left it. */
    private @Nullable InPlace changed(InPlace before, Contents contents, Supplier<ElementChanges> difference)
            throws IOException {
        try (Netfilter.Requests socket = kernel.open()) {
            long generation = socket.generation();
            if (generation != before.generation && !isStillThere(socket, before)) {
                return null;
            }
            ElementChanges changes = difference.get();
            if (changes.isEmpty()) {
                return new InPlace(contents, before.handles, generation);
            }
            NftMessages batch = new NftMessages(AROUND_BYTES + changes.bytes());
            batch.beginBatch();
            changes.removed().forEach((set, keys) -> batch.elements(false, NAME, set, keys));
            changes.added().forEach((set, keys) -> batch.elements(true, NAME, set, keys));
            batch.endBatch();
            return new InPlace(contents, before.handles, carriedOut(socket, batch, generation));
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
            LOG.warn("the table inet {} of nf_tables is not as we left it ({}); made anew", NAME, e.getMessage());
            return null;
        }
    }

    /** The generation after the batch; -1 if other software may have changed nf_tables since {@code generation} too. */
    private static long carriedOut(Netfilter.Requests socket, NftMessages batch, long generation) throws IOException {
        socket.batch(batch);
        long now = socket.generation();
        return now == next(generation) ? now : -1;
    }

    /** The generation after this one; the kernel skips 0. */
    private static long next(long generation) {
        return generation == 0xffff_ffffL ? 1 : generation + 1;
    }

    private InPlace replaced(Contents contents) throws IOException {
        kernel.provideRoutes(ports.keySet());
        if (owned == null && canOwn) {
            owned = kernel.presence().orElse(null);
            canOwn = owned != null;
        }
        ElementChanges all = ElementChanges.between(Contents.EMPTY, contents);
        ways.forget();
        ways.changeTo(wantedWays, all);
        made = null;
        try (Netfilter.Requests socket = kernel.open()) {
            long before = socket.generation();
            Set<String> chains = socket.chains(NAME);
            if (follows == null) {
                follows = !chains.isEmpty();
            }
            boolean kept = chains.equals(InterceptionRules.chains(handsOff)) && madeAnew(all);
            if (!kept) {
                batch(socket, all, true);
            }
            if (owned != null) {
                owned.serving();
            }
            long now = socket.generation();
            Handles handles = handles(socket);
            made = handles;
            return new InPlace(contents, handles == null ? NONE : handles, now == next(before) ? now : -1);
        }
    }

    /** Gives the table that is there new rules and elements; false if it is one of another version, with other sets. */
    private boolean madeAnew(ElementChanges all) throws IOException {
        try (Netfilter.Requests own = kernel.open()) {
            batch(own, all, false);
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EPERM) {
                throw e;
            }
            LOG.info("the table inet {} of nf_tables is replaced ({})", NAME, e.getMessage());
            return false;
        }
    }

    private void batch(Netfilter.Requests socket, ElementChanges all, boolean replaces) throws IOException {
        NftMessages batch = new NftMessages(InterceptionRules.BYTES + all.bytes());
        batch.beginBatch();
        if (replaces) {
            batch.table(true, NAME);
            batch.table(false, NAME);
        }
        InterceptionRules.write(batch, NAME, PacketMarks.SLUICE, podCidrs, owned != null, handsOff, ports);
        all.added().forEach((set, keys) -> batch.elements(true, NAME, set, keys));
        batch.endBatch();
        socket.batch(batch);
    }

    /**
     * Checks whether other software has removed or changed the table's rules, or our routes, and restores them; repeats
     * changes that have failed. Costs two dumps of routes and one request while no software changes nf_tables. Does not
     * notice when other software removes single elements of our sets.
     *
     * @return whether it restored anything
     */
    public boolean repair() throws IOException {
        Contents contents = wanted;
        if (contents == null) {
            return false;
        }
        InPlace before = inPlace;
        int routes = kernel.provideRoutes(ports.keySet());
        if (routes > 0 && before != null) {
            LOG.warn("rules and routes for marked packets that somebody else removed: {}; added again", routes);
        }
        if (before != null && before.contents.equals(contents)) {
            // Nothing is left to tell the kernel: a change of direct ways that fails leaves its state unknown.
            apply(ElementChanges::none);
        } else {
            apply();
        }
        InPlace now = inPlace;
        return routes > 0 || before == null || now == null || !now.handles.equals(before.handles);
    }

    /**
     * Stops intercepting, because another process serves now; established connections go on. Changes nothing if that
     * process has replaced this table by its own.
     *
     * @return whether the table is still that of this object
     */
    public boolean stopIntercepting() throws IOException {
        boolean ours = isOurs();
        if (ours) {
            apply(Contents.EMPTY);
        }
        wanted = null;
        servesNoMore();
        return ours;
    }

    private void servesNoMore() throws IOException {
        if (owned != null) {
            owned.close();
            owned = null;
        }
    }

    /**
     * Leaves interception to the process that served before. If that had a table, this one stays in its place, as both
     * redirect to the same sockets; that process finds its table changed, and makes its own.
     */
    public void retreat() throws IOException {
        if (Boolean.FALSE.equals(follows)) {
            close();
        }
        servesNoMore();
    }

    /**
     * Removes the table, rules and routes, unless another process has replaced this table by its own: it needs them. Where the
     * kernel goes on with connections, a table that intercepts nothing stays: without any such table the kernel would translate
     * no more addresses.
     */
    @Override
    public void close() throws IOException {
        boolean ours = isOurs();
        int handed = ours && handsOff ? kernel.handed() : 0;
        if (handed > 0) {
            LOG.info("the kernel goes on with {} connections: a table inet {} stays that intercepts nothing, 'sluice"
                    + " cleanup' removes it and ends them", handed, NAME);
            apply(Contents.EMPTY);
            kernel.removeRoutes();
        } else if (ours && remove(kernel) > 0) {
            kernel.forgetServed();
        }
        wanted = null;
        inPlace = null;
        servesNoMore();
    }

    private boolean isOurs() throws IOException {
        if (wanted == null && inPlace == null) {
            return false;
        }
        try (Netfilter.Requests socket = kernel.open()) {
            Handles last = made;
            Handles now = handles(socket);
            return last == null || now == null || !last.replacedBy(now);
        }
    }

    /**
     * Whether a process intercepts connections, or has left rules behind: looks at routing rules, which needs no privilege.
     */
    public static boolean isThere() throws IOException {
        return SystemCalls.available() && new MarkRouting(PacketMarks.SLUICE).isThere();
    }

    /**
     * Removes the table, rules and routes of another process, which may live: its connections are not forgotten. Looks for
     * routing rules first, which every table comes with: a check that needs no privilege and little time.
     *
     * @return how many objects were removed
     */
    public static int takeBackLeft() throws IOException {
        return isThere() ? remove(new HostNetfilter()) : 0;
    }

    /**
     * Removes what a dead process has left; the table first, so that no packet is marked without a route. On a kernel
     * without nf_tables there is nothing to remove. Fails for a user who may not read nf_tables only if there are routing
     * rules of ours, which every table comes with. Makes the kernel forget the connections that were intercepted.
     *
     * @return how many objects were removed: the table, rules and routes
     */
    public static int cleanup() throws IOException {
        if (!SystemCalls.available()) {
            return 0;
        }
        HostNetfilter kernel = new HostNetfilter();
        int removed = remove(kernel);
        if (removed > 0) {
            kernel.forgetServed();
            HostNetfilter.forget(PacketMarks.SLUICE.handed(), 0);
        }
        return removed;
    }

    private static int remove(Netfilter kernel) throws IOException {
        int removed = 0;
        try (Netfilter.Requests socket = kernel.open()) {
            if (socket.tableHandle(NAME).isPresent()) {
                NftMessages batch = new NftMessages(AROUND_BYTES);
                batch.beginBatch();
                batch.table(false, NAME);
                batch.endBatch();
                socket.batch(batch);
                removed++;
            }
        } catch (ErrnoException e) {
            boolean none = switch (e.errno()) {
                case EPROTONOSUPPORT, EOPNOTSUPP -> true;
                case EPERM -> !new MarkRouting(PacketMarks.SLUICE).isThere();
                case null, default -> false;
            };
            if (!none) {
                throw e;
            }
        }
        return removed + kernel.removeRoutes();
    }
}
