package io.sluice.it.testbed;

import java.lang.management.ManagementFactory;
import javax.management.JMException;
import javax.management.ObjectName;

/** How many objects of a class are reachable in this JVM: no timer, map or queue holds what is not among them. */
public final class LiveObjects {

    private LiveObjects() {}

    /** Instances of exactly the class {@code name}, after a full collection. */
    public static long count(String name) {
        try {
            String histogram = (String) ManagementFactory.getPlatformMBeanServer().invoke(
                    new ObjectName("com.sun.management:type=DiagnosticCommand"), "gcClassHistogram",
                    new Object[] {new String[0]}, new String[] {String[].class.getName()});
            return histogram.lines().map(line -> line.strip().split("\\s+", -1))
                    .filter(columns -> columns.length >= 4 && columns[3].equals(name))
                    .mapToLong(columns -> Long.parseLong(columns[1])).sum();
        } catch (JMException e) {
            throw new AssertionError("this JVM gives no histogram of its objects", e);
        }
    }
}
