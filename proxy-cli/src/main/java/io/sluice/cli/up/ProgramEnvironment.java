package io.sluice.cli.up;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import io.sluice.source.manifest.Variable;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The variables of a program that plays a Pod. Pure. */
final class ProgramEnvironment {

    private static final Pattern REFERENCE = Pattern.compile("\\$?\\$\\(([^)]*)\\)");

    private ProgramEnvironment() {}

    /**
     * From the weakest to the strongest: those of this process without its HTTP proxies, which a Pod does not have; those of
     * Services, as kubelet sets them; those of the manifest's container; where to listen, under the names that frameworks read; those of the program's file.
     */
    static Map<String, String> of(Map<String, String> own, Map<String, String> services, Replica replica) {
        Map<String, String> variables = new LinkedHashMap<>(own);
        variables.keySet().removeIf(name -> name.matches("(?i)(http|https|ftp|all)_proxy"));
        variables.putAll(services);
        Map<String, String> before = new LinkedHashMap<>(services);
        for (Variable variable : replica.variables()) {
            String value = value(variable, replica, before);
            before.put(variable.name(), value);
            variables.put(variable.name(), value);
        }
        EndpointAddress address = replica.address();
        String ip = IpAddresses.format(address.ip());
        String port = Integer.toString(address.port());
        variables.put("HOSTNAME", replica.pod().name());
        variables.put("POD_NAME", replica.pod().name());
        variables.put("POD_NAMESPACE", replica.pod().namespace());
        variables.put("POD_IP", ip);
        if (!replica.listens()) {
            variables.putAll(replica.program().environment());
            return variables;
        }
        variables.put("PORT", port);
        variables.put("SERVER_PORT", port); // Spring Boot
        variables.put("UVICORN_PORT", port);
        variables.put("FLASK_RUN_PORT", port);
        if (replica.program().ownPort()) {
            variables.put("ASPNETCORE_URLS", "http://*:" + port);
        } else {
            variables.put("HOST", ip);
            variables.put("SERVER_ADDRESS", ip);
            variables.put("UVICORN_HOST", ip);
            variables.put("FLASK_RUN_HOST", ip);
            variables.put("ASPNETCORE_URLS", "http://" + address);
        }
        variables.putAll(replica.program().environment());
        return variables;
    }

    private static String value(Variable variable, Replica replica, Map<String, String> before) {
        return switch (variable.fact()) {
            case null -> expanded(variable.value(), before);
            case NAME -> replica.pod().name();
            case NAMESPACE -> replica.pod().namespace();
            case IP -> IpAddresses.format(replica.address().ip());
            case HOST_IP -> "127.0.0.1";
        };
    }

    /**
     * {@code $(NAME)} is the value of a variable that stands before, and stays what it is if none does; {@code $$(NAME)} is
     * {@code $(NAME)} (Kubernetes documentation, "Define Dependent Environment Variables").
     */
    static String expanded(String value, Map<String, String> before) {
        return REFERENCE.matcher(value).replaceAll(found -> Matcher.quoteReplacement(found.group().startsWith("$$")
                ? found.group().substring(1)
                : before.getOrDefault(found.group(1), found.group())));
    }
}
