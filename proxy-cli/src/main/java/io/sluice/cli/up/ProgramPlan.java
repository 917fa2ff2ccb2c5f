package io.sluice.cli.up;

import io.sluice.daemon.StartException;
import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.source.Spelling;
import io.sluice.source.manifest.GivenEndpoint;
import io.sluice.source.manifest.GivenEndpoint.Target;
import io.sluice.source.manifest.ProcessAddress;
import io.sluice.source.manifest.Workload;
import io.sluice.text.Printable;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Which processes there are and where each listens. Pure, but for what {@link Machine} says. A program has a block of addresses
 * that follows from its workload's name, so that its processes are at the same addresses after each start.
 *
 * @param endpoints the same places, as {@code --endpoint} would give them
 */
record ProgramPlan(List<Replica> replicas, List<GivenEndpoint> endpoints) {

    private static final String RANGE = "127.122.";
    private static final int BLOCKS = 254;
    private static final int FIRST_PORT = 20_000;
    private static final int LAST_PORT = 65_535;
    private static final int SHOWN = 5;
    private static final InetAddress LOCALHOST = IpAddresses.parse("127.0.0.1");
    private static final InetAddress EVERYWHERE = IpAddresses.parse("0.0.0.0");

    ProgramPlan {
        replicas = List.copyOf(replicas);
        endpoints = List.copyOf(endpoints);
    }

    /** The facts about this machine. */
    interface Machine {

        /** Whether nobody listens there. */
        boolean isFree(InetAddress ip, int port);

        /** The port for a program that would listen at {@code port}, which may need a privilege that is missing. */
        int permitted(int port);
    }

    /**
     * Plans.
     *
     * @param workloads    of the manifests
     * @param servicePorts where Services listen: a program at all addresses must not take one of them
     * @throws StartException if that cannot be done; one line for each mistake
     */
    static ProgramPlan of(List<Program> programs, List<Workload> workloads, Set<Integer> servicePorts, Machine machine)
            throws StartException {
        Planner planner = new Planner(workloads, servicePorts, machine);
        programs.forEach(planner::add);
        if (!planner.complaints.isEmpty()) {
            throw new StartException(String.join("\n", planner.complaints));
        }
        return new ProgramPlan(planner.replicas, planner.endpoints);
    }

    /** Gathers a plan. Not thread-safe. */
    private static final class Planner {

        private final List<Workload> workloads;
        private final Set<Integer> servicePorts;
        private final Machine machine;
        private final List<Replica> replicas = new ArrayList<>();
        private final List<GivenEndpoint> endpoints = new ArrayList<>();
        private final List<String> complaints = new ArrayList<>();
        private final Set<Workload> played = new HashSet<>();
        private final Set<Integer> blocks = new HashSet<>();
        private final Set<Integer> ports = new HashSet<>();

        Planner(List<Workload> workloads, Set<Integer> servicePorts, Machine machine) {
            this.workloads = workloads;
            this.servicePorts = servicePorts;
            this.machine = machine;
        }

        void add(Program program) {
            Workload workload = workload(program);
            if (workload == null) {
                return;
            }
            if (!played.add(workload)) {
                complain(program, "is " + workload.kind() + " " + workload.name() + ", which has a program already");
                return;
            }
            int count = program.replicas() >= 0 ? program.replicas() : workload.replicas();
            if (count > Program.MAX_REPLICAS) {
                complain(program, "has " + count + " replicas; write 'replicas', " + Program.MAX_REPLICAS
                        + " at the most");
                return;
            }
            int port = program.port() != 0 ? program.port()
                    : workload.ports().isEmpty() ? 0 : workload.ports().getFirst();
            if (port == 0 && !program.ownPort() && workload.served()) {
                complain(program, "names no container port: write 'port', where the program listens");
                return;
            }
            List<EndpointAddress> addresses =
                    program.ownPort() ? ownPorts(program, count)
                            : ownAddresses(program, port == 0 ? 0 : machine.permitted(port), count);
            for (int i = 0; i < addresses.size(); i++) {
                replicas.add(new Replica(program, workload.pod(i), addresses.get(i), workload.endsByItself(),
                        workload.variables()));
            }
            if (!addresses.isEmpty()) {
                endpoints.add(new GivenEndpoint(new Target(workload.name().namespace(), workload.name().name(), ""),
                        addresses.stream().map(a -> new ProcessAddress(List.of(a.ip()), a.port())).toList()));
            }
        }

        /** As {@code --endpoint} finds it: without a namespace the one in {@code default}, else the only one. */
        private @Nullable Workload workload(Program program) {
            List<Workload> named = workloads.stream().filter(w -> w.name().name().equals(program.name())
                    && (program.namespace().isEmpty() || program.namespace().equals(w.name().namespace()))).toList();
            List<Workload> inDefault = named.stream().filter(w -> w.name().namespace().equals("default")).toList();
            List<Workload> found = program.namespace().isEmpty() && !inDefault.isEmpty() ? inDefault : named;
            List<Workload> makers = found.stream().filter(w -> !w.kind().equals("Pod")).toList();
            List<Workload> meant = makers.isEmpty() ? found : makers;
            if (meant.size() == 1) {
                return meant.getFirst();
            }
            TreeSet<String> names = new TreeSet<>();
            workloads.forEach(w -> names.add(w.name().toString()));
            if (meant.isEmpty()) {
                String wanted =
                        (program.namespace().isEmpty() ? "default" : program.namespace()) + "/" + program.name();
                String near = Spelling.didYouMean(wanted, names);
                complain(program, "is no workload of the manifests" + (!near.isEmpty() ? near
                        : names.isEmpty() ? ", which have none"
                        : "; there " + (names.size() == 1 ? "is " : "are ")
                                + Printable.first(List.copyOf(names), SHOWN)));
            } else {
                complain(program, "is " + String.join(" and ", meant.stream().map(w -> w.kind() + " " + w.name())
                        .sorted().toList()) + ": write the namespace, if that tells them apart");
            }
            return null;
        }

        private List<EndpointAddress> ownAddresses(Program program, int port, int count) {
            int first = Math.floorMod(program.workload().hashCode(), BLOCKS);
            for (int i = 0; i < BLOCKS; i++) {
                int block = 1 + (first + i) % BLOCKS;
                List<EndpointAddress> addresses = new ArrayList<>();
                for (int replica = 1; replica <= count; replica++) {
                    InetAddress ip = IpAddresses.parse(RANGE + block + "." + replica);
                    if (!blocks.contains(block) && machine.isFree(ip, port)) {
                        addresses.add(new EndpointAddress(ip, port));
                    }
                }
                if (addresses.size() == count) {
                    blocks.add(block);
                    return addresses;
                }
            }
            complain(program, "has no free addresses: a program listens at all addresses with port " + port
                    + " (ss -ltnp 'sport = :" + port + "' names it); have it listen at 127.0.0.1 alone, or write"
                    + " another 'port'");
            return List.of();
        }

        private List<EndpointAddress> ownPorts(Program program, int count) {
            List<EndpointAddress> addresses = new ArrayList<>();
            int port = program.port() == 0 ? FIRST_PORT : program.port();
            for (; addresses.size() < count && port <= LAST_PORT; port++) {
                boolean service = servicePorts.contains(port);
                boolean free = !service && !ports.contains(port) && machine.isFree(EVERYWHERE, port);
                if (free) {
                    ports.add(port);
                    addresses.add(new EndpointAddress(LOCALHOST, port));
                } else if (port == program.port()) {
                    complain(program, service
                            ? "listens at all addresses with port " + port + ", which is a Service's: write another"
                                    + " 'port', or none"
                            : "cannot listen at port " + port + ": it is in use (ss -ltnp 'sport = :" + port
                                    + "' names by what)");
                    return List.of();
                }
            }
            return addresses;
        }

        private void complain(Program program, String message) {
            complaints.add(program.location() + ": " + program.workload() + ": " + message);
        }
    }
}
