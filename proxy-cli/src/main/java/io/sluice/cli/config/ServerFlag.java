package io.sluice.cli.config;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flag of commands that ask a running daemon: its address. */
public final class ServerFlag {

    /** The address of a daemon whose flags set no other. */
    public static final String DEFAULT_ADDRESS = "127.0.0.1:10249";

    /** The variable with the address, if the flag is not given. */
    static final String VARIABLE = "SLUICE_SERVER";

    @Option(names = {"-s", "--server"}, paramLabel = "ADDRESS",
            description = "The daemon's --metrics-bind-address. Default: the variable " + VARIABLE + ", else "
                    + DEFAULT_ADDRESS)
    private @Nullable String server;

    /** The value of the flag, else of the variable, else {@link #DEFAULT_ADDRESS}; not checked. */
    public String address(Map<String, String> environment) {
        String address = server != null ? server : environment.getOrDefault(VARIABLE, "");
        return address.isEmpty() ? DEFAULT_ADDRESS : address;
    }
}
