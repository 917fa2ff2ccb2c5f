package io.sluice.nftables;

import io.sluice.service.Cidr;
import io.sluice.service.IpFamily;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The chains and rules of the table, which know Services only by sets. Pure.
 *
 * <p>What each is for, and what was tried on real packets (Linux 6.18):
 *
 * <ul>
 * <li><b>The chains come after all that is called mangle and before destination NAT</b> (-101). A check of the reverse path
 * by {@code fib saddr . mark . iif}, which firewalld has at -140 for IPv6, drops packets that have our mark, or the socket
 * that tproxy has given them, so it has to see them first. Unmasked {@code CONNMARK --restore-mark} of others comes first as
 * well.
 * <li><b>A packet of a connection that is there goes to its socket before any set is asked</b>: an intercepted client whose
 * Service is gone goes on, and what an endpoint replies to a connection in a client's name comes here. The socket is looked
 * for, not the connection's mark: it is also right for ICMP errors about a connection, and where connections are not
 * tracked.
 * <li><b>A table that another process has left keeps its chains and sets</b>, and gets new rules and elements in one step. Were
 * it replaced, a packet that the kernel evaluates in that moment would meet the old rules without their maps, or neither
 * table (of 142,000 new connections during 906 replacements three were refused).
 * <li><b>Where the table is replaced</b>, because another version has other chains, a packet may meet the chains of both, the
 * old one's before the moment of change and the new one's after it: what has both marks is left as it is.
 * <li><b>A connection whose mark says that it is the proxy's needs one search for its socket</b>, not two, and what the proxy sends
 * in one none in the sets of Services: these are most packets.
 * <li><b>The first segment of a connection is none of these</b>: a client that uses a port again which the proxy has in
 * TIME_WAIT would get to the old socket. tproxy knows about it and takes the listener.
 * <li><b>A transparent socket that listens at all addresses is not ours</b>: a DNS server that has one for port 53 would get
 * what is forwarded to other DNS servers. The kernel does not say whether the socket of a half-open or finished connection
 * is such a one, which ends the rule, so that they are taken.
 * <li><b>TCP is refused by a reset</b>, not by ICMP as kube-proxy does: the kernel sends one ICMP error a second to a client
 * after the first six ({@code icmp_ratelimit}; 40 refused connections took 35 s, with resets 10 ms), and a connection that
 * is established does not end by one.
 * <li><b>What comes in by a bridge is redirected</b> (destination NAT), and not given to a transparent socket: br_netfilter
 * ({@code bridge-nf-call-iptables}, which many clusters need) shows a bridge's packets to the table before they are IP's, and
 * the socket that tproxy has chosen is forgotten then. NAT is remembered by the connection. The mark of the connection keeps
 * it out of the sets, as its socket does for others. Nobody else reaches the port that it leads to.
 * <li><b>A client that may not use an address gets no answer</b>, as with kube-proxy: one outside the source ranges of a load
 * balancer address, and one outside the cluster where the policy Local leaves no endpoint but for the cluster's own. This
 * node's processes are left to the proxy, which knows the node's addresses.
 * <li><b>A connection that was there before the table</b>, of a process that listens on Services' addresses itself, goes to
 * its socket; and replies pass, as its client may have a Service's address as its own where that is a local one. What comes from
 * a Service's address and port is a reply as well: conntrack, which begins with the table, takes the side for the opener of
 * which it sees a packet first.
 * <li><b>While no proxy listens</b>, tproxy ends its rule, and the kernel leads a connection to an endpoint itself, by
 * destination NAT, which the mark of the connection remembers. For those of this node's processes, conntrack decides at
 * output whether they have any, before the kernel looks for a listener: there the marks of {@link OwnedTable}, which dies
 * with the proxy, say that one serves. Those that came to the proxy before it died, on which conntrack has decided as well,
 * are reset. What loses its endpoint between two chains is dropped, and its next first segment finds what is there then. For
 * a bridge, tproxy only finds out whether anybody listens.
 * <li><b>A segment for which there is no connection goes to the listener</b> and is answered with a reset, or found to be the
 * end of a handshake with SYN cookies.
 * <li><b>An endpoint that is a process of this node</b> replies to a connection in a client's name from here: the reply is
 * known by the mark of the connection, and led to the proxy as what this node's processes send to Services.
 * <li><b>A connection that the proxy has handed to the kernel</b> is address translation from its next packet on, while the
 * proxy's sockets may still be there for a moment: its packets pass before any socket is looked for. For the time before,
 * neither peer may put timestamps into its segments, of which nobody would translate the replies; and the client of a Service
 * that is handed over at once is told in the reply to its first segment to send nothing yet.
 * <li><b>What the proxy sends is not intercepted</b>, and refused if it would go to a Service: endpoints that are addresses
 * of a Service make no circles.
 * </ul>
 */
final class InterceptionRules {

    /** One before NF_IP_PRI_NAT_DST. */
    static final int PRIORITY = -101;
    /** Leaves one for {@link OwnedTable} on each side, after all that is called mangle and before destination NAT. */
    static final int OUTPUT_PRIORITY = PRIORITY - 1;
    /** One before NF_IP_PRI_RAW. */
    private static final int RAW_PRIORITY = -301;
    /** One before NF_IP_PRI_NAT_SRC. */
    private static final int SOURCE_NAT = 99;

    static final String PREROUTING = "prerouting";
    static final String OUTPUT = "output";
    private static final String REDIRECT = "redirect";
    private static final String REDIRECT_OUTPUT = "redirect-output";
    private static final String MASQUERADE = "masquerade";
    private static final String REFUSE = "refuse";
    private static final String UNSERVED = "unserved";
    private static final String INTERCEPT = "intercept";
    private static final String INSIDE = "inside";
    private static final String GUARD = "guard";
    private static final String CONNECTED = "connected";
    private static final String SEND_TO_PROXY = "send-to-proxy";
    private static final String OWN = "own";
    private static final String DIRECT = "direct";
    private static final String FIRST = "first";
    private static final String UNTRACKED = "untracked";

    /** The chains of the table; those that the kernel calls at a hook come after these. */
    private static final List<String> INNER =
            List.of(REFUSE, UNSERVED, INTERCEPT, INSIDE, GUARD, CONNECTED, SEND_TO_PROXY, OWN, DIRECT,
                    FIRST);

    private static final int TCP = 6;
    private static final List<Integer> PROTOCOLS = List.of(TCP, 17, 132);

    /** More than all messages but those for elements need. */
    static final int BYTES = 64 * 1024;

    private final NftMessages out;
    private final String table;
    private final PacketMarks marks;
    private final List<Cidr> podCidrs;
    private final boolean owned;
    private final boolean handsOff;

    private InterceptionRules(NftMessages out, String table, PacketMarks marks, List<Cidr> podCidrs, boolean owned,
            boolean handsOff) {
        this.handsOff = handsOff;
        this.podCidrs = podCidrs;
        this.owned = owned;
        this.out = out;
        this.table = table;
        this.marks = marks;
    }

    /** All chains. */
    static Set<String> chains(boolean handsOff) {
        return Stream.of(INNER.stream(), Stream.of(PREROUTING, REDIRECT, REDIRECT_OUTPUT, MASQUERADE, OUTPUT),
                handsOff ? Stream.of(UNTRACKED) : Stream.<String>empty()).flatMap(Function.identity())
                .collect(Collectors.toSet());
    }

    /**
     * Appends the messages that make the table, with empty sets. One that has the same chains and sets gets new rules, and
     * its sets become empty.
     *
     * @param podCidrs the addresses of pods
     * @param owned    whether there is an {@link OwnedTable}, by whose marks it is known that a proxy serves; else the
     *                 connections of this node's processes always go to the proxy
     * @param handsOff whether the proxy hands connections to the kernel
     * @param ports    where the proxy accepts, TCP and UDP; a family without is refused
     */
    static void write(NftMessages out, String table, PacketMarks marks, List<Cidr> podCidrs, boolean owned,
            boolean handsOff, Map<IpFamily, ProxyPorts> ports) {
        new InterceptionRules(out, table, marks, podCidrs, owned, handsOff).write(ports);
    }

    private void write(Map<IpFamily, ProxyPorts> ports) {
        out.table(true, table);
        out.flush(table);
        for (ElementSet set : ElementSet.values()) {
            out.set(table, set);
            out.flush(table, set);
        }
        INNER.forEach(chain -> out.chain(table, chain));
        out.baseChain(table, PREROUTING, "filter", NftMessages.PRE_ROUTING, PRIORITY);
        out.baseChain(table, REDIRECT, "nat", NftMessages.PRE_ROUTING, PRIORITY);
        out.baseChain(table, MASQUERADE, "nat", NftMessages.POST_ROUTING, SOURCE_NAT);
        out.baseChain(table, OUTPUT, "route", NftMessages.LOCAL_OUT, OUTPUT_PRIORITY);
        out.baseChain(table, REDIRECT_OUTPUT, "nat", NftMessages.LOCAL_OUT, PRIORITY);
        if (handsOff) {
            out.baseChain(table, UNTRACKED, "filter", NftMessages.LOCAL_OUT, RAW_PRIORITY);
            out.rule(table, UNTRACKED, rule -> rule.markedBoth(marks.own() | marks.untracked())
                    .unmark(marks.untracked()).notTracked());
        }
        out.rule(table, REFUSE, rule -> rule.tcp().rejectWithReset());
        out.rule(table, REFUSE, RuleExpressions::rejectWithPortUnreachable);
        unserved();
        comingIn(ports);
        redirect(ports);
        directWays();
        goingOut();
    }

    /** Traffic to Services that is not proxied; all else leaves the chain as it came. */
    private void unserved() {
        out.rule(table, UNSERVED, rule -> rule.reply().accept());
        for (ElementSet served : List.of(ElementSet.SERVED4, ElementSet.SERVED6, ElementSet.INSIDE4,
                ElementSet.INSIDE6)) {
            out.rule(table, UNSERVED, rule -> rule.sourceIn(served).accept());
        }
        goTo(UNSERVED, ElementSet.REFUSED4, REFUSE);
        goTo(UNSERVED, ElementSet.REFUSED6, REFUSE);
        out.rule(table, UNSERVED, rule -> rule.destinationIn(ElementSet.DROPPED4).drop());
        out.rule(table, UNSERVED, rule -> rule.destinationIn(ElementSet.DROPPED6).drop());
        for (int protocol : PROTOCOLS) {
            for (ElementSet set : List.of(ElementSet.CLUSTER_IPS4, ElementSet.CLUSTER_IPS6)) {
                out.rule(table, UNSERVED, rule -> rule.protocol(protocol).destinationIn(set).goTo(REFUSE));
            }
        }
    }

    private void comingIn(Map<IpFamily, ProxyPorts> ports) {
        out.rule(table, PREROUTING, rule -> rule.connectionMarkedBoth(marks.pending()).drop());
        out.rule(table, PREROUTING, rule -> rule.connectionMarkedBoth(marks.handed()).accept());
        out.rule(table, PREROUTING, rule -> rule.markedBoth(marks.own() | marks.route()).accept());
        out.rule(table, PREROUTING,
                rule -> rule.fromBridge().connectionMarked(marks.connection()).original().accept());
        out.rule(table, PREROUTING,
                rule -> rule.notFirstSegment().connectionMarked(marks.connection() | marks.upstream())
                        .transparentSocket().mark(marks.own() | marks.route()).accept());
        out.rule(table, PREROUTING, rule -> rule.notFirstSegment().transparentSocket().jump(CONNECTED));
        out.rule(table, PREROUTING, rule -> rule.notTcp().transparentSocket().jump(CONNECTED));
        out.rule(table, PREROUTING, rule -> rule.connectionMarked(marks.direct()).original().accept());
        goTo(PREROUTING, ElementSet.SERVED4, INTERCEPT);
        goTo(PREROUTING, ElementSet.SERVED6, INTERCEPT);
        goTo(PREROUTING, ElementSet.INSIDE4, INSIDE);
        goTo(PREROUTING, ElementSet.INSIDE6, INSIDE);
        inOrder(ports, (family, own) -> out.rule(table, PREROUTING,
                rule -> rule.family(family).tcpPort(own.redirected()).toThisMachine().goTo(REFUSE)));
        out.rule(table, PREROUTING, rule -> rule.goTo(UNSERVED));

        out.rule(table, CONNECTED, rule -> rule.wildcardSocket().back());
        out.rule(table, CONNECTED, rule -> rule.mark(marks.own() | marks.route()).accept());

        for (Cidr pods : podCidrs) {
            out.rule(table, INSIDE, rule -> rule.from(pods).goTo(INTERCEPT));
        }
        out.rule(table, INSIDE, rule -> rule.fromElsewhere().drop());
        out.rule(table, INSIDE, rule -> rule.goTo(INTERCEPT));

        out.rule(table, GUARD, rule -> rule.destinationAndSourceIn(ElementSet.SOURCES4).back());
        out.rule(table, GUARD, rule -> rule.destinationAndSourceIn(ElementSet.SOURCES6).back());
        out.rule(table, GUARD, RuleExpressions::drop);

        intercept(ports);
    }

    private void intercept(Map<IpFamily, ProxyPorts> ports) {
        if (handsOff) {
            out.rule(table, INTERCEPT, rule -> rule.firstPacket().endlessBytes().drop());
        }
        out.rule(table, INTERCEPT, rule -> rule.marked(marks.own()).goTo(REFUSE));
        out.rule(table, INTERCEPT, rule -> rule.fromElsewhere().destinationIn(ElementSet.GUARDED4).jump(GUARD));
        out.rule(table, INTERCEPT, rule -> rule.fromElsewhere().destinationIn(ElementSet.GUARDED6).jump(GUARD));
        if (handsOff) {
            out.rule(table, INTERCEPT, rule -> rule.firstSegment().fromElsewhere().resetTimestamps());
            inOrder(ports, this::interceptEagerly);
        }
        inOrder(ports, (family, own) -> {
            out.rule(table, INTERCEPT, rule -> rule.family(family).tcp().fromBridge()
                    .tproxy(family, own.redirected()).markConnection(marks.connection()).accept());
            out.rule(table, INTERCEPT, rule -> rule.family(family).tproxy(family, own.transparent())
                    .mark(marks.own() | marks.route()).markConnection(marks.connection()).accept());
        });
        out.rule(table, INTERCEPT, rule -> rule.notFirstSegment().plainSocket().accept());
        for (ElementSet masqueraded : List.of(ElementSet.MASQUERADED4, ElementSet.MASQUERADED6)) {
            out.rule(table, INTERCEPT, rule -> rule.fromElsewhere().destinationIn(masqueraded)
                    .markConnection(marks.masquerade()));
        }
        for (ElementSet direct : List.of(ElementSet.DIRECT4, ElementSet.DIRECT6)) {
            out.rule(table, INTERCEPT, rule -> rule.firstPacket().fromElsewhere().destinationIn(direct)
                    .markConnection(marks.direct()).accept());
        }
        out.rule(table, INTERCEPT, rule -> rule.goTo(REFUSE));
    }

    private void interceptEagerly(IpFamily family, ProxyPorts own) {
        ElementSet eager = ElementSet.of(family, ElementSet.EAGER4, ElementSet.EAGER6);
        out.rule(table, INTERCEPT, rule -> rule.firstSegment().fromElsewhere().fromBridge().destinationIn(eager)
                .tproxy(family, own.redirected()).markConnection(marks.held()).accept());
        out.rule(table, INTERCEPT, rule -> rule.firstSegment().fromElsewhere().destinationIn(eager)
                .tproxy(family, own.transparent()).mark(marks.own() | marks.route()).markConnection(marks.held())
                .accept());
    }

    /** While no proxy listens: to an endpoint, each as likely as the others. */
    private void directWays() {
        for (IpFamily family : IpFamily.values()) {
            ElementSet direct = ElementSet.of(family, ElementSet.DIRECT4, ElementSet.DIRECT6);
            ElementSet endpoints = ElementSet.of(family, ElementSet.ENDPOINTS4, ElementSet.ENDPOINTS6);
            for (int count = 1; count <= DirectWay.MOST; count++) {
                int each = count;
                out.rule(table, DIRECT, rule -> rule.destinationHas(direct, each).dnat(endpoints, each));
            }
        }
        out.rule(table, DIRECT, RuleExpressions::drop);
        for (String chain : List.of(REDIRECT, REDIRECT_OUTPUT)) {
            out.rule(table, chain, rule -> rule.connectionMarked(marks.direct()).goTo(DIRECT));
        }
        out.rule(table, MASQUERADE,
                rule -> rule.connectionMarked(marks.direct()).connectionMarked(marks.masquerade()).masquerade());
        for (ElementSet hairpins : List.of(ElementSet.HAIRPINS4, ElementSet.HAIRPINS6)) {
            out.rule(table, MASQUERADE, rule -> rule.connectionMarked(marks.direct()).sourceAndDestinationIn(hairpins)
                    .masquerade());
        }
    }

    private void redirect(Map<IpFamily, ProxyPorts> ports) {
        inOrder(ports, (family, own) -> out.rule(table, REDIRECT, rule -> rule.fromBridge().family(family).tcp()
                .connectionMarked(marks.connection()).redirect(own.redirected())));
    }

    private static void inOrder(Map<IpFamily, ProxyPorts> ports, BiConsumer<IpFamily, ProxyPorts> each) {
        for (IpFamily family : IpFamily.values()) {
            ProxyPorts own = ports.get(family);
            if (own != null) {
                each.accept(family, own);
            }
        }
    }

    private void goingOut() {
        int both = marks.own() | marks.route();
        out.rule(table, OUTPUT, rule -> rule.markedBoth(both).original().firstPacket().goTo(FIRST));
        out.rule(table, OUTPUT, rule -> rule.marked(marks.own()).goTo(OWN));
        out.rule(table, OUTPUT, rule -> rule.connectionMarked(marks.direct()).original().accept());
        out.rule(table, OUTPUT, rule -> rule.connectionMarked(marks.connection()).original().mark(marks.route())
                .accept());
        out.rule(table, OUTPUT, rule -> rule.connectionMarked(marks.upstream()).reply().mark(marks.route()).accept());
        if (owned) {
            for (ElementSet direct : List.of(ElementSet.DIRECT4, ElementSet.DIRECT6)) {
                out.rule(table, OUTPUT, rule -> rule.firstPacket().destinationIn(direct)
                        .markConnection(marks.direct() | marks.masquerade()).accept());
            }
        }
        goToIfServed(OUTPUT, SEND_TO_PROXY);
        out.rule(table, OUTPUT, rule -> rule.goTo(UNSERVED));

        goToIfServed(FIRST, SEND_TO_PROXY);
        out.rule(table, FIRST, rule -> rule.goTo(UNSERVED));

        if (handsOff) {
            out.rule(table, OWN, rule -> rule.secondSegment().connectionMarkedBoth(marks.held()).reply().closeWindow());
            out.rule(table, OWN, rule -> rule.firstSegment().original().resetTimestamps());
            out.rule(table, OWN, rule -> rule.marked(marks.hushed()).tcp().closeWindow());
            out.rule(table, OWN, rule -> rule.marked(marks.hushed()).unmark(marks.hushed()));
        }
        out.rule(table, OWN, rule -> rule.reply().accept());
        out.rule(table, OWN, rule -> rule.notFirstSegment().connectionMarked(marks.upstream()).accept());
        goToIfServed(OWN, REFUSE);
        out.rule(table, OWN, rule -> rule.original().markConnection(marks.upstream()).accept());
        out.rule(table, OWN, RuleExpressions::accept);

        out.rule(table, SEND_TO_PROXY,
                rule -> rule.unmark(marks.own()).mark(marks.route()).markConnection(marks.connection()).accept());
    }

    private void goToIfServed(String chain, String target) {
        for (ElementSet set : List.of(ElementSet.SERVED4, ElementSet.SERVED6, ElementSet.INSIDE4, ElementSet.INSIDE6)) {
            goTo(chain, set, target);
        }
    }

    private void goTo(String chain, ElementSet set, String target) {
        out.rule(table, chain, rule -> rule.destinationIn(set).goTo(target));
    }
}
