package io.sluice.it.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Child processes, and what /proc says of them. */
final class Processes {

    private Processes() {}

    /** What {@code command} prints; it has to end well. */
    static String run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(String.join(" ", command) + ": " + out.strip());
        }
        return out;
    }

    /** Sends {@code signal} to each of {@code pids}; workers may have ended since they were listed. */
    static void signal(String signal, List<Long> pids) throws IOException, InterruptedException {
        for (long pid : pids) {
            try {
                run(List.of("kill", "-" + signal, Long.toString(pid)));
            } catch (IOException e) {
                if (ProcessHandle.of(pid).isPresent()) {
                    throw e;
                }
            }
        }
    }

    /** Ends {@code process}: politely, and after five seconds not so. */
    static void end(Process process) throws InterruptedException {
        process.destroy();
        if (!process.waitFor(5, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
    }

    /** Resident memory of a process, in bytes. */
    static long resident(long pid) throws IOException {
        return kilobytes(Path.of("/proc", Long.toString(pid), "status"), "VmRSS") * 1024;
    }

    /** What the kernel holds in its caches of objects, in bytes: sockets, descriptors, epoll registrations. */
    static long kernelObjects() throws IOException {
        return kilobytes(Path.of("/proc/meminfo"), "Slab") * 1024;
    }

    /** CPU time of the whole machine since its start, all that was not idle, in nanoseconds; counted in hundredths of a second. */
    static double machineNanos() throws IOException {
        String[] fields = Files.readString(Path.of("/proc/stat")).lines().findFirst().orElse("").split("\\s+", -1);
        long ticks = 0;
        for (int i = 1; i < fields.length; i++) {
            // idle, iowait, and guests, which are among the others
            if (i != 4 && i != 5 && i < 9) {
                ticks += Long.parseLong(fields[i]);
            }
        }
        return ticks * 1e7;
    }

    private static long kilobytes(Path file, String name) throws IOException {
        Matcher line = Pattern.compile("(?m)^" + name + ":\\s+(\\d+) kB").matcher(Files.readString(file));
        if (!line.find()) {
            throw new IOException(file + " does not tell " + name);
        }
        return Long.parseLong(line.group(1));
    }
}
