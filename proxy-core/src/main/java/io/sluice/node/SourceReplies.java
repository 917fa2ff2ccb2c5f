package io.sluice.node;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.service.IpFamily;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Brings the replies of endpoints to connections that were made in a client's name back to this machine, instead of
 * letting them go to the client.
 *
 * <p>Such connections leave from the client's address and a port of {@link #FIRST_PORT} to {@link #LAST_PORT}, which
 * Linux does not choose by itself ({@code net.ipv4.ip_local_port_range}). A rule for each endpoint sends what comes from
 * its address and port to one of these ports into a routing table in which everything is local; whatever else the
 * endpoint says is not touched. Rules and routes carry the origin 115. Uses iproute2's {@code ip}; needs CAP_NET_ADMIN.
 * Lives on the control thread, and waits for {@code ip}.
 */
public final class SourceReplies {

    /** First port of connections in a client's name. */
    public static final int FIRST_PORT = 61_440;
    /** Last one; the kernel takes no range that ends with 65,535. */
    public static final int LAST_PORT = 65_534;

    private static final int TABLE = 1150;
    private static final int ORIGIN = 115;
    private static final Pattern RULE = Pattern.compile("^" + TABLE
            + ":\\s+from (\\S+) ipproto tcp sport (\\d+) dport " + FIRST_PORT + "-" + LAST_PORT + " lookup " + TABLE
            + "\\b.*");

    private Set<EndpointAddress> provided = Set.of();

    /**
     * Makes the replies of exactly these endpoints come here; asks the kernel only if they are others than before.
     *
     * @return why that cannot be, in one line for a person; null if it is done
     */
    public @Nullable String provide(Set<EndpointAddress> endpoints) {
        if (endpoints.equals(provided)) {
            return null;
        }
        try {
            for (IpFamily family : IpFamily.values()) {
                provide(family, endpoints.stream().filter(e -> e.family() == family).toList());
            }
            provided = Set.copyOf(endpoints);
            return null;
        } catch (IOException e) {
            return String.valueOf(e.getMessage());
        }
    }

    private static void provide(IpFamily family, List<EndpointAddress> endpoints) throws IOException {
        Set<EndpointAddress> there = rules(family);
        List<String> batch = new ArrayList<>();
        if (!endpoints.isEmpty()) {
            batch.add("route replace local default dev lo table " + TABLE + " proto " + ORIGIN);
        }
        endpoints.stream().filter(e -> !there.contains(e)).forEach(e -> batch.add("rule add " + rule(e)));
        there.stream().filter(e -> !endpoints.contains(e)).forEach(e -> batch.add("rule del " + rule(e)));
        if (endpoints.isEmpty() && !there.isEmpty()) {
            batch.add("route flush table " + TABLE);
        }
        if (!batch.isEmpty()) {
            ip(family, batch, "-batch", "-");
        }
    }

    private static String rule(EndpointAddress endpoint) {
        return "pref " + TABLE + " from " + IpAddresses.format(endpoint.ip()) + " ipproto tcp sport " + endpoint.port()
                + " dport " + FIRST_PORT + "-" + LAST_PORT + " lookup " + TABLE + " protocol " + ORIGIN;
    }

    private static Set<EndpointAddress> rules(IpFamily family) throws IOException {
        Set<EndpointAddress> rules = new TreeSet<>();
        for (String line : ip(family, List.of(), "rule", "show", "pref", Integer.toString(TABLE)).lines().toList()) {
            Matcher rule = RULE.matcher(line);
            if (rule.matches()) {
                rules.add(new EndpointAddress(IpAddresses.parse(rule.group(1)), Integer.parseInt(rule.group(2))));
            }
        }
        return rules;
    }

    /** Removes the rules, unless another process goes on with them. Control thread. */
    public void close(boolean keep) {
        if (!keep && !provided.isEmpty()) {
            provide(Set.of());
        }
    }

    /**
     * Removes what a daemon has left.
     *
     * @return how many rules that were
     * @throws IOException if {@code ip} cannot do it; the message says why
     */
    public static int cleanup() throws IOException {
        int removed = 0;
        for (IpFamily family : IpFamily.values()) {
            removed += rules(family).size();
            provide(family, List.of());
        }
        return removed;
    }

    private static String ip(IpFamily family, Collection<String> input, String... arguments) throws IOException {
        List<String> words = new ArrayList<>(List.of("ip", family == IpFamily.IPV4 ? "-4" : "-6"));
        words.addAll(List.of(arguments));
        Process process;
        try {
            process = new ProcessBuilder(words).redirectErrorStream(true).start();
        } catch (IOException e) {
            throw new IOException("the command 'ip' of iproute2 is needed: " + e.getMessage(), e);
        }
        try (InputStream out = process.getInputStream()) {
            if (!input.isEmpty()) {
                try (OutputStream in = process.getOutputStream()) {
                    in.write((String.join("\n", input) + "\n").getBytes(StandardCharsets.US_ASCII));
                }
            }
            String printed = new String(out.readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new IOException("'" + String.join(" ", words) + "' failed: "
                        + printed.lines().findFirst().orElse("") + " (CAP_NET_ADMIN is needed)");
            }
            return printed;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }
}
