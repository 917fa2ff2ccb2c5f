package io.sluice.cli.up;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What plays the Pods of one workload, as its author has written it.
 *
 * @param location    {@code file:line}
 * @param namespace   the workload's; empty if it is not said
 * @param name        the workload's
 * @param command     the program and its arguments
 * @param port        where it listens; 0 for the container's port
 * @param replicas    how many there are; -1 for as many as the workload has
 * @param environment variables of its own
 * @param directory   where it runs
 * @param ownPort     whether it cannot choose its address, so that each replica gets a port of its own
 */
record Program(String location, String namespace, String name, List<String> command, int port, int replicas,
        Map<String, String> environment, Path directory, boolean ownPort) {

    /** The most replicas of one. */
    static final int MAX_REPLICAS = 100;

    Program {
        command = List.copyOf(command);
        environment = Map.copyOf(environment);
    }

    /** Whether {@code other} runs in the same way, wherever it stands in the file. */
    boolean runsAs(Program other) {
        return command.equals(other.command) && environment.equals(other.environment)
                && directory.equals(other.directory) && ownPort == other.ownPort;
    }

    /** The workload as it is written. */
    String workload() {
        return namespace.isEmpty() ? name : namespace + "/" + name;
    }

    /** A program for the workload {@code [NAMESPACE/]NAME} of which nothing else is said. */
    static Program of(String location, String workload, List<String> command, Path directory) {
        int slash = workload.indexOf('/');
        return new Program(location, workload.substring(0, Math.max(0, slash)), workload.substring(slash + 1), command,
                0, -1, Map.of(), directory, false);
    }

    /** A line for a shell. */
    static List<String> shell(String line) {
        return List.of("sh", "-c", line);
    }
}
