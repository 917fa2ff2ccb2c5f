package io.sluice.it.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The load and the backends: {@code proxy-it/src/bench/load.c}, compiled once. */
final class LoadTool {

    private final Path program;
    private final String cpus;

    private LoadTool(Path program, String cpus) {
        this.program = program;
        this.cpus = cpus;
    }

    /**
     * Compiles it if it is not yet.
     *
     * @param cpus where it runs, as taskset(1) has it
     */
    static LoadTool compile(Path home, Path work, String cpus) throws IOException, InterruptedException {
        Path source = home.resolve("proxy-it/src/bench/load.c");
        Path program = work.resolve("load");
        if (!Files.exists(program)
                || Files.getLastModifiedTime(program).compareTo(Files.getLastModifiedTime(source)) < 0) {
            Processes.run(List.of("gcc", "-O2", "-Wall", "-o", program.toString(), source.toString()));
        }
        return new LoadTool(program, cpus);
    }

    /** Starts backends at {@code addresses}, four ports each from {@code port} on. */
    Process serve(int port, List<String> addresses) throws IOException {
        List<String> arguments = new ArrayList<>(List.of("serve", Integer.toString(port)));
        arguments.addAll(addresses);
        return ready(arguments);
    }

    /** Holds {@code connections} to {@code target} open, until its process is ended. */
    Process hold(String target, int connections) throws IOException {
        return ready(List.of("hold", "--to", target, "--connections", Integer.toString(connections)));
    }

    private Process ready(List<String> arguments) throws IOException {
        Process process = start(arguments);
        String line = process.inputReader(StandardCharsets.UTF_8).readLine();
        if (!"ready".equals(line)) {
            throw new IOException("load " + String.join(" ", arguments) + " did not get ready: " + line);
        }
        return process;
    }

    /** Loads {@code target} and counts the CPU time of {@code pids}. */
    Sample run(List<String> work, String target, List<Long> pids, double seconds, double rate)
            throws IOException, InterruptedException {
        List<String> arguments = new ArrayList<>(work);
        arguments.addAll(List.of("--to", target, "--seconds", Double.toString(seconds), "--rate",
                Double.toString(rate), "--warmup", "0.3"));
        if (!pids.isEmpty()) {
            arguments.add("--watch");
            arguments.add(pids.stream().map(Object::toString).collect(Collectors.joining(",")));
        }
        Process process = start(arguments);
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException("load " + String.join(" ", arguments) + " failed");
        }
        return Sample.parse(out);
    }

    private Process start(List<String> arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of("taskset", "-c", cpus, program.toString()));
        command.addAll(arguments);
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }
}
