package io.sluice.source.manifest;

import io.sluice.source.yaml.ReadingBudget;

/**
 * Limits of one read of all inputs. They are smaller where the heap is, as everything that is read takes memory.
 *
 * @param fileBytes  the largest file, kept while it is read; an eighth of the heap, 64 MiB at the most
 * @param totalBytes all files; a quarter of the heap, 256 MiB at the most
 * @param objects    Services, Pods and so on, read or not; one for each 4 KiB of the heap, a million at the most
 * @param values     of the objects that are kept; one for each 96 bytes of the heap
 * @param endpoints  of all Services' ports, Pods that are left out included; one for each 512 bytes of the heap
 */
record ReadingLimits(int fileBytes, long totalBytes, int objects, int values, int endpoints) {

    static final int MIB = 1024 * 1024;
    /** The most files in one directory: each is looked at periodically. */
    static final int FILES = 100_000;

    /** The limits for this process. */
    static ReadingLimits ofThisHeap() {
        return ofHeap(Runtime.getRuntime().maxMemory());
    }

    /** @param bytes the largest size of the heap */
    static ReadingLimits ofHeap(long bytes) {
        return new ReadingLimits((int) Math.min(64L * MIB, bytes / 8), Math.min(256L * MIB, bytes / 4),
                (int) Math.min(1_000_000, bytes / 4096), (int) Math.min(Integer.MAX_VALUE, bytes / 96),
                (int) Math.min(Integer.MAX_VALUE, bytes / 512));
    }

    /** The advice about a limit that depends on the heap. */
    static final String ADVICE = "; give Java a larger heap (-Xmx) or write fewer";

    /** What is left of the limits during one read. Not thread-safe. */
    static final class Rest {

        private final ReadingBudget budget = ReadingBudget.start();
        private final ReadingLimits limits;
        private long bytes;
        private long values;
        private long endpoints;

        Rest(ReadingLimits limits) {
            this.limits = limits;
        }

        ReadingBudget budget() {
            return budget;
        }

        ReadingLimits limits() {
            return limits;
        }

        /** Why {@code more} bytes of a file are too many; empty if they are not. */
        String tooManyBytes(int more) {
            bytes += more;
            return bytes > limits.totalBytes
                    ? "with this file, all together are larger than " + limits.totalBytes / MIB + " MiB" + ADVICE
                    : "";
        }

        /** Why {@code count} objects are too many; empty if they are not. */
        String tooManyObjects(int count) {
            return count > limits.objects ? "there are more than " + limits.objects + " objects" + ADVICE : "";
        }

        /** Why an object of {@code more} values is too large; empty if it is not. */
        String tooManyValues(int more) {
            values += more;
            return values > limits.values
                    ? "with this object, all together have more than " + limits.values + " values" + ADVICE
                    : "";
        }

        /** Why {@code more} endpoints are too many; empty if they are not. */
        String tooManyEndpoints(int more) {
            endpoints += more;
            return endpoints > limits.endpoints
                    ? "with this port, all Services together have more than " + limits.endpoints + " endpoints" + ADVICE
                    : "";
        }

        /** Why nothing more can be read at all; empty if something can. */
        String over() {
            return budget.isOver() ? ReadingBudget.tooLong() : "";
        }
    }
}
