package io.sluice.it.bench;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The load and the backends, which are one thread: {@code proxy-it/src/bench/load.c}, compiled once. It is started once
 * and told of one work after the other.
 */
final class LoadTool {

    private final Path program;
    private final String cpus;
    private final List<String> wrapper;
    private final Writer orders;
    private final BufferedReader answers;

    private LoadTool(Path program, String cpus, List<String> wrapper, Process serving, BufferedReader answers) {
        this.program = program;
        this.cpus = cpus;
        this.wrapper = wrapper;
        this.orders = serving.outputWriter(StandardCharsets.UTF_8);
        this.answers = answers;
    }

    /**
     * Compiles it if it is not yet, and starts backends at {@code addresses}, four ports each from {@code port} on.
     *
     * @param cpus where it runs, as taskset(1) has it
     */
    static LoadTool start(Path home, Path work, String cpus, int port, List<String> addresses)
            throws IOException, InterruptedException {
        return start(home, work, cpus, List.of(), port, addresses);
    }

    /**
     * The same, as {@code wrapper} has it, such as in a network namespace; the last address may be the file of the network
     * namespace in which the clients are.
     */
    static LoadTool start(Path home, Path work, String cpus, List<String> wrapper, int port, List<String> addresses)
            throws IOException, InterruptedException {
        Path source = home.resolve("proxy-it/src/bench/load.c");
        Path program = work.resolve("load");
        if (!Files.exists(program)
                || Files.getLastModifiedTime(program).compareTo(Files.getLastModifiedTime(source)) < 0) {
            Processes.run(List.of("gcc", "-O2", "-Wall", "-o", program.toString(), source.toString(), "-lm"));
        }
        List<String> arguments = new ArrayList<>(List.of("serve", Integer.toString(port)));
        arguments.addAll(addresses);
        Process serving = start(program, cpus, wrapper, arguments);
        BufferedReader answers = serving.inputReader(StandardCharsets.UTF_8);
        awaitReady(answers, arguments);
        return new LoadTool(program, cpus, wrapper, serving, answers);
    }

    /** Holds {@code connections} to {@code target} open, until its process is ended. */
    Process hold(String target, int connections) throws IOException {
        List<String> arguments = List.of("hold", "--to", target, "--connections", Integer.toString(connections));
        Process holding = start(program, cpus, wrapper, arguments);
        awaitReady(holding.inputReader(StandardCharsets.UTF_8), arguments);
        return holding;
    }

    /** Loads {@code target} and counts the CPU time of {@code pids}, after three tenths of a second of the same load. */
    Sample run(List<String> work, String target, List<Long> pids, double seconds, double rate) throws IOException {
        return run(work, target, pids, seconds, rate, 0.3);
    }

    /** The same from the first moment on. */
    Sample runCold(List<String> work, String target, List<Long> pids, double seconds) throws IOException {
        return run(work, target, pids, seconds, 0, 0);
    }

    private Sample run(List<String> work, String target, List<Long> pids, double seconds, double rate,
            double warmUpSeconds) throws IOException {
        List<String> words = new ArrayList<>(work);
        words.addAll(List.of("--to", target, "--seconds", Double.toString(seconds), "--rate", Double.toString(rate),
                "--warmup", Double.toString(warmUpSeconds)));
        if (!pids.isEmpty()) {
            words.add("--watch");
            words.add(pids.stream().map(Object::toString).collect(Collectors.joining(",")));
        }
        String order = String.join(" ", words);
        orders.write(order + "\n");
        orders.flush();
        String answer = answers.readLine();
        if (answer == null) {
            throw new IOException("load " + order + " failed");
        }
        return Sample.parse(answer);
    }

    private static void awaitReady(BufferedReader answers, List<String> arguments) throws IOException {
        String line = answers.readLine();
        if (!"ready".equals(line)) {
            throw new IOException("load " + String.join(" ", arguments) + " did not get ready: " + line);
        }
    }

    private static Process start(Path program, String cpus, List<String> wrapper, List<String> arguments)
            throws IOException {
        List<String> command = new ArrayList<>(wrapper);
        command.addAll(List.of("taskset", "-c", cpus, program.toString()));
        command.addAll(arguments);
        return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }
}
