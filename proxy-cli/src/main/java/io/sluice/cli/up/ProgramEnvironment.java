package io.sluice.cli.up;

import io.sluice.service.EndpointAddress;
import io.sluice.service.IpAddresses;
import java.util.LinkedHashMap;
import java.util.Map;

/** The variables of a program that plays a Pod. Pure. */
final class ProgramEnvironment {

    private ProgramEnvironment() {}

    /**
     * From the weakest to the strongest: those of this process without its HTTP proxies, which a Pod does not have; those of
     * Services, as kubelet sets them; where to listen, under the names that frameworks read; those of the program's file.
     */
    static Map<String, String> of(Map<String, String> own, Map<String, String> services, Replica replica) {
        Map<String, String> variables = new LinkedHashMap<>(own);
        variables.keySet().removeIf(name -> name.matches("(?i)(http|https|ftp|all)_proxy"));
        variables.putAll(services);
        EndpointAddress address = replica.address();
        String ip = IpAddresses.format(address.ip());
        String port = Integer.toString(address.port());
        variables.put("HOSTNAME", replica.pod().name());
        variables.put("POD_NAME", replica.pod().name());
        variables.put("POD_NAMESPACE", replica.pod().namespace());
        variables.put("POD_IP", ip);
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
}
