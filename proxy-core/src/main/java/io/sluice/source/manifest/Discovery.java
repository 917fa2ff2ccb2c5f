package io.sluice.source.manifest;

import io.sluice.linux.LocalListeners;
import io.sluice.linux.LocalListeners.Listener;
import io.sluice.linux.LocalListeners.Owner;
import io.sluice.service.Cidr;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.text.Printable;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Finds the processes of workloads among the programs of this machine that listen: by the port of a container, or by the name of
 * the process where an annotation says it. What listens for a Service, or for a workload whose address is known, is none;
 * nor is a process that two workloads could mean. {@link #match} is pure; the rest is not thread-safe.
 */
final class Discovery {

    private static final String OWN_MAIN_CLASS = "io.sluice.cli.Main";
    private static final InetAddress LOOPBACK = IpAddresses.parse("127.0.0.1");
    private static final InetAddress LOOPBACK6 = IpAddresses.parse("::1");
    private static final int SHOWN = 60;
    /** More than anybody runs for one workload. */
    private static final int NAMED = 5;

    /**
     * A workload whose process is looked for.
     *
     * @param name    {@code NAMESPACE/NAME}
     * @param ports   of its containers, or those that Services want where the containers name none; the main one first
     * @param process the name of its process; null to find it by port
     */
    record Want(String name, List<Integer> ports, @Nullable String process) {

        /** Whether anything says what to look for. */
        private boolean known() {
            return process != null || !ports.isEmpty();
        }

        private String notFound() {
            return "no program " + (process == null
                    ? "listens at port " + ports.getFirst()
                    : "named " + Printable.of(process, SHOWN) + " listens")
                    + ": start it, or say where it is with --endpoint "
                    + name + "=HOST:PORT";
        }
    }

    /**
     * A program that listens.
     *
     * @param at    where it is connected to
     * @param owner null if it cannot be seen, as that of another user
     */
    record Program(EndpointAddress at, @Nullable Owner owner) {

        @Override
        public String toString() {
            return at + " (" + (owner == null
                    ? "a process of another user"
                    : Printable.of(owner.name(), SHOWN) + ", pid " + owner.pid()) + ")";
        }
    }

    /**
     * What was found for all workloads.
     *
     * @param places  for each workload, where it is, by container port; by 0 for any
     * @param lines   a line for each workload of which something is to be said
     * @param missing for each workload that is not found although it was known what to look for, why not and what to do
     */
    record Findings(Map<String, Map<Integer, EndpointAddress>> places, Map<String, String> lines,
            Map<String, String> missing) {
        static final Findings NONE = new Findings(Map.of(), Map.of(), Map.of());
    }

    private final LocalListeners machine;
    private final List<Cidr> serviceCidrs;
    private List<Want> wants = List.of();
    private Set<EndpointAddress> taken = Set.of();
    private @Nullable Set<Listener> seen;
    private Findings findings = Findings.NONE;

    /** @param serviceCidrs where Services are, and so no process of a workload */
    Discovery(LocalListeners machine, List<Cidr> serviceCidrs) {
        this.machine = machine;
        this.serviceCidrs = serviceCidrs;
    }

    /**
     * Looks for these from now on.
     *
     * @param others the addresses of processes that are known
     */
    Findings find(List<Want> workloads, Set<EndpointAddress> others) {
        wants = List.copyOf(workloads);
        taken = Set.copyOf(others);
        seen = null;
        findings = Findings.NONE;
        look();
        return findings;
    }

    /** Whether what was looked for last is elsewhere now; reads a file or two, unless a program has started or ended. */
    boolean look() {
        if (wants.isEmpty()) {
            return false;
        }
        boolean anyPort = wants.stream().anyMatch(want -> want.process() != null);
        Set<Integer> ports = wants.stream().flatMap(want -> want.ports().stream()).collect(Collectors.toSet());
        Set<Listener> now = machine.sockets().stream().filter(socket -> anyPort || ports.contains(socket.port()))
                .filter(socket -> serviceCidrs.stream().noneMatch(range -> range.contains(socket.address())))
                .collect(Collectors.toCollection(LinkedHashSet::new));
        if (now.equals(seen)) {
            return false;
        }
        seen = now;
        Map<Long, Owner> owners = now.isEmpty()
                ? Map.of()
                : machine.owners(now.stream().map(Listener::inode).collect(Collectors.toSet()));
        List<Program> programs = new ArrayList<>();
        for (Listener socket : now) {
            Owner owner = owners.get(socket.inode());
            EndpointAddress at = new EndpointAddress(reached(socket.address()), socket.port());
            if ((owner == null || !owner.words().contains(OWN_MAIN_CLASS)
                    && owner.pid() != ProcessHandle.current().pid()) && !taken.contains(at)) {
                programs.add(new Program(at, owner));
            }
        }
        Findings before = findings;
        findings = match(wants, programs);
        return !findings.equals(before);
    }

    /** The address at which a program is connected to that listens at {@code address}. */
    private static InetAddress reached(InetAddress address) {
        return address.isAnyLocalAddress() ? LOOPBACK : address;
    }

    /** A line for each workload of which something was found: {@code shop/api: 127.0.0.1:3000 (node, pid 4711)}. */
    List<String> lines() {
        return findings.lines().entrySet().stream().map(line -> line.getKey() + ": " + line.getValue()).toList();
    }

    /** Which program is which workload. */
    static Findings match(List<Want> wants, List<Program> programs) {
        Map<String, Map<Integer, EndpointAddress>> places = new LinkedHashMap<>();
        Map<String, String> lines = new TreeMap<>();
        Map<String, String> missing = new TreeMap<>();
        Map<Want, Program> chosen = new LinkedHashMap<>();
        wants.stream().filter(want -> want.process() != null).forEach(want -> choose(want, programs, lines, chosen));
        Set<Program> named = new HashSet<>(chosen.values());
        List<Program> others = programs.stream().filter(program -> !named.contains(program)).toList();
        wants.stream().filter(want -> want.process() == null).forEach(want -> choose(want, others, lines, chosen));
        Map<EndpointAddress, List<String>> claims = new HashMap<>();
        chosen.forEach((want, program) -> claims.computeIfAbsent(program.at(), at -> new ArrayList<>())
                .add(want.name()));
        chosen.forEach((want, program) -> {
            List<String> claimants = claims.getOrDefault(program.at(), List.of());
            if (claimants.size() == 1) {
                places.put(want.name(), places(want, program, programs));
                lines.merge(want.name(), program.toString(), (also, found) -> found + also);
            } else {
                String unclear = program + " may be " + Printable.first(claimants, NAMED)
                        + ", so it is none of them: say which with --endpoint " + want.name() + "=" + program.at()
                        + ", or with the annotation " + PodReader.PROCESS;
                lines.put(want.name(), unclear);
                missing.put(want.name(), unclear);
            }
        });
        wants.stream().filter(want -> !chosen.containsKey(want)).filter(Want::known)
                .forEach(want -> missing.put(want.name(), want.notFound()));
        return new Findings(places, lines, missing);
    }

    private static void choose(Want want, List<Program> programs, Map<String, String> lines,
            Map<Want, Program> chosen) {
        Program main = main(want, programs, lines);
        if (main != null) {
            chosen.put(want, main);
        }
    }

    /** The program at the main port; of several the one that is reached most usually, and the others are named. */
    private static @Nullable Program main(Want want, List<Program> programs, Map<String, String> lines) {
        String process = want.process();
        List<Program> fitting = programs.stream()
                .filter(program -> process == null || program.owner() != null && program.owner().isNamed(process))
                .sorted(Comparator.comparing(Program::at, Discovery::byUse)).toList();
        List<Program> atPort = want.ports().stream()
                .flatMap(port -> fitting.stream().filter(program -> program.at().port() == port)).toList();
        if (!atPort.isEmpty()) {
            int port = atPort.getFirst().at().port();
            if (process == null && port != want.ports().getFirst()) {
                return null;
            }
            return first(want, atPort.stream().filter(program -> program.at().port() == port).toList(), lines);
        }
        return process == null || fitting.isEmpty() ? null : first(want, fitting, lines);
    }

    /** Sockets of one process are one program; those of others are named. */
    private static Program first(Want want, List<Program> candidates, Map<String, String> lines) {
        Program first = candidates.getFirst();
        Owner owner = first.owner();
        List<String> others = candidates.stream().filter(other -> !other.at().equals(first.at()))
                .filter(other -> owner == null || other.owner() == null || owner.pid() != other.owner().pid()
                        || other.at().port() != first.at().port())
                .map(Program::toString).distinct().toList();
        if (!others.isEmpty()) {
            EndpointAddress other = candidates.stream().map(Program::at).filter(at -> !at.equals(first.at()))
                    .findFirst().orElseThrow();
            lines.put(want.name(), "; " + Printable.first(others, NAMED) + (others.size() == 1 ? " listens" : " listen")
                    + " as well: choose with --endpoint " + want.name() + "=" + other + ", or with the annotation "
                    + PodReader.PROCESS);
        }
        return first;
    }

    /** 127.0.0.1 first, as a program at all addresses is reached there; then other addresses, IPv4 before IPv6. */
    private static int byUse(EndpointAddress a, EndpointAddress b) {
        return Comparator.<EndpointAddress>comparingInt(at -> at.ip().equals(LOOPBACK)
                ? 0
                : at.ip() instanceof Inet4Address ? 1 : at.ip().equals(LOOPBACK6) ? 2 : 3)
                .thenComparing(Comparator.naturalOrder()).compare(a, b);
    }

    /** The main port, and those of the others at which the same process listens. */
    private static Map<Integer, EndpointAddress> places(Want want, Program main, List<Program> programs) {
        Map<Integer, EndpointAddress> places = new TreeMap<>();
        Set<Integer> ports = new HashSet<>(want.ports());
        int mainPort = want.ports().isEmpty() ? 0 : want.ports().getFirst();
        places.put(ports.size() > 1 ? mainPort : 0, main.at());
        for (Program program : programs) {
            int port = program.at().port();
            boolean same = main.owner() == null
                    ? program.owner() == null && program.at().ip().equals(main.at().ip())
                    : program.owner() != null && main.owner().pid() == program.owner().pid();
            if (same && ports.contains(port) && port != mainPort && !Objects.equals(program.at(), main.at())) {
                places.putIfAbsent(port, program.at());
            }
        }
        return places;
    }
}
