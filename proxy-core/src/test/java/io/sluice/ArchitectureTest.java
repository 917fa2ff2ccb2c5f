package io.sluice;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.micrometer.core.instrument.MeterRegistry;
import io.prometheus.metrics.model.snapshots.MetricMetadata;
import io.sluice.linux.Errno;
import io.sluice.metrics.MetricCatalog;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Linker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keeps the house in order: imports point down only, and the middle stays pure. */
class ArchitectureTest {

    private static final JavaClasses SLUICE =
            new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("io.sluice");

    /** The rooms from the ground up, each with the rooms it may touch besides itself. */
    enum Room {
        TEXT("text"),
        LINUX("linux"),
        LIVENESS("liveness"),
        SERVICE("service"),
        HISTORY("history", TEXT, SERVICE),
        METRICS("metrics", LIVENESS, SERVICE),
        BALANCE("balance", SERVICE),
        CONNECTION("connection"),
        DATAGRAM("datagram", SERVICE),
        URING("uring", LINUX),
        NETLINK("netlink", LINUX, SERVICE),
        PROXY("proxy", LINUX, NETLINK, URING, LIVENESS, CONNECTION, DATAGRAM, BALANCE, SERVICE, METRICS),
        ENV("env", SERVICE),
        DNS_ZONE("dns.zone", SERVICE),
        DNS_WIRE("dns.wire"),
        DNS_FORWARD("dns.forward", DNS_WIRE, METRICS, SERVICE),
        DNS_SERVER("dns.server", DNS_ZONE, DNS_WIRE, DNS_FORWARD, LINUX, LIVENESS, METRICS, SERVICE),
        NFTABLES("nftables", LINUX, NETLINK, SERVICE),
        NODE("node", LINUX, NETLINK, LIVENESS, SERVICE),
        NETNS("netns", LINUX, NETLINK, NFTABLES, NODE, PROXY, DNS_SERVER, SERVICE),
        HTTP("http", LINUX, TEXT, SERVICE),
        RECONCILE("reconcile", TEXT, LINUX, LIVENESS, NFTABLES, NODE, DATAGRAM, PROXY, DNS_ZONE, DNS_SERVER, NETNS,
                BALANCE,
                METRICS,
                HISTORY, SERVICE),
        OPERATOR("operator", TEXT, NODE, METRICS, BALANCE, PROXY, HISTORY, RECONCILE, SERVICE),
        HANDOVER("handover", LINUX, LIVENESS, NODE, PROXY, RECONCILE),
        SOURCE("source", TEXT, LINUX, LIVENESS, SERVICE),
        SOURCE_YAML("source.yaml", SOURCE),
        SOURCE_PROBE("source.probe", TEXT, LINUX, LIVENESS, SOURCE, SERVICE),
        SOURCE_MANIFEST("source.manifest", TEXT, LINUX, LIVENESS, SOURCE, SOURCE_YAML, SOURCE_PROBE, SERVICE),
        SOURCE_KUBERNETES("source.kubernetes", LINUX, LIVENESS, SOURCE, SOURCE_YAML, SERVICE),
        HEALTHCHECK("healthcheck", TEXT, LIVENESS, HTTP, METRICS, PROXY, RECONCILE, SOURCE, SERVICE),
        LIVE("live", TEXT, LIVENESS, HTTP, METRICS, BALANCE, RECONCILE, HEALTHCHECK, SERVICE),
        ADMIN("admin", TEXT, LINUX, LIVENESS, SERVICE, METRICS, BALANCE, CONNECTION, DATAGRAM, URING, PROXY, ENV,
                DNS_ZONE,
                DNS_SERVER, NETNS,
                NODE,
                RECONCILE, HANDOVER,
                HTTP, SOURCE, SOURCE_YAML, SOURCE_PROBE, SOURCE_MANIFEST, SOURCE_KUBERNETES, HEALTHCHECK, HISTORY,
                LIVE),
        DAEMON("daemon", TEXT, LINUX, LIVENESS, SERVICE, METRICS, BALANCE, CONNECTION, DATAGRAM, URING, PROXY, ENV,
                DNS_ZONE,
                DNS_SERVER, NETNS,
                NFTABLES, NODE,
                RECONCILE, HANDOVER,
                HTTP, SOURCE, SOURCE_YAML, SOURCE_PROBE, SOURCE_MANIFEST, SOURCE_KUBERNETES, HEALTHCHECK, HISTORY,
                OPERATOR, LIVE, ADMIN);

        private final String packageName;
        @SuppressWarnings("ImmutableEnumChecker") // filled by List.of
        private final List<Room> mayTouch;

        Room(String name, Room... mayTouch) {
            this.packageName = "io.sluice." + name;
            this.mayTouch = List.of(mayTouch);
        }

        /** The innermost room: a class of {@code source.manifest} is not one of {@code source}. */
        static Optional<Room> of(JavaClass type) {
            String name = type.getPackageName();
            return Arrays.stream(values())
                    .filter(room -> name.equals(room.packageName) || name.startsWith(room.packageName + "."))
                    .max(Comparator.comparingInt(room -> room.packageName.length()));
        }

        private DescribedPredicate<JavaClass> inside() {
            return describe("are in " + packageName, type -> of(type).filter(this::equals).isPresent());
        }

        private DescribedPredicate<JavaClass> forbidden() {
            String allowed = mayTouch.stream().map(room -> room.packageName).collect(Collectors.joining(", "));
            return describe(
                    "are of Sluice but not in " + packageName + (allowed.isEmpty() ? "" : " or " + allowed),
                    type -> type.getPackageName().startsWith("io.sluice")
                            && of(type).filter(room -> room == this || mayTouch.contains(room)).isEmpty());
        }
    }

    @ParameterizedTest
    @EnumSource
    void imports_point_down_only(Room room) {
        noClasses().that(room.inside()).should().dependOnClassesThat(room.forbidden()).allowEmptyShould(true)
                .check(SLUICE);
    }

    @ParameterizedTest
    @EnumSource(names = {"TEXT", "SERVICE", "HISTORY", "BALANCE", "CONNECTION", "DATAGRAM", "DNS_ZONE", "DNS_WIRE"})
    void the_middle_is_pure(Room room) {
        noClasses().that(room.inside())
                .should().dependOnClassesThat().resideInAnyPackage("io.netty..", "io.fabric8..", "io.micrometer..")
                .allowEmptyShould(true).check(SLUICE);
    }

    /** Only there it is known what the C library is asked, with which signature, and what its error numbers mean. */
    @Test
    void the_c_library_is_called_in_one_room_only() {
        noClasses().that(describe("are outside io.sluice.linux",
                type -> type.getPackageName().startsWith("io.sluice") && !Room.LINUX.inside().test(type)))
                .should().dependOnClassesThat().belongToAnyOf(Linker.class, Linker.Option.class)
                .check(SLUICE);
    }

    /** The same, in the commands too. */
    @Test
    void no_source_outside_that_room_mentions_the_linker() throws IOException {
        assertThat(sources().filter(file -> !file.toString().contains("/io/sluice/linux/"))
                .filter(file -> read(file).contains("java.lang.foreign.Linker"))).isEmpty();
    }

    /** The C library says why something failed in the user's language: {@link Errno} tells it by number. */
    @Test
    void no_failure_is_told_by_the_text_of_the_system() throws IOException {
        Pattern comparison = Pattern.compile("\\.(?:contains|startsWith|endsWith|matches)\\(\"([^\"]{5,})\"");
        List<String> texts =
                Arrays.stream(Errno.values()).map(errno -> errno.meaning().toLowerCase(Locale.ROOT)).toList();
        assertThat(sources().flatMap(file -> comparison.matcher(read(file)).results()
                .filter(found -> texts.stream()
                        .anyMatch(text -> text.contains(found.group(1).toLowerCase(Locale.ROOT))))
                .map(found -> file.getFileName() + ": " + found.group()))).isEmpty();
    }

    private static Stream<Path> sources() throws IOException {
        List<Path> all = new ArrayList<>();
        for (String module : List.of("proxy-core", "proxy-cli")) {
            try (Stream<Path> files = Files.walk(Path.of("..", module, "src", "main", "java"))) {
                files.filter(file -> file.toString().endsWith(".java")).forEach(all::add);
            }
        }
        return all.stream();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void every_class_lives_in_a_room() {
        Set<String> homeless = SLUICE.stream().filter(type -> Room.of(type).isEmpty()).map(JavaClass::getName)
                .collect(Collectors.toSet());
        assertThat(homeless).as("classes outside every room; a new room needs its row in this test").isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"util", "common", "helper", "manager", "impl"})
    void there_are_no_utility_rooms(String name) {
        noClasses().should().resideInAPackage("io.sluice.." + name + "..").allowEmptyShould(true).check(SLUICE);
    }

    @Test
    void logging_goes_through_slf4j() {
        noClasses().should().dependOnClassesThat().resideInAPackage("java.util.logging..").allowEmptyShould(true)
                .check(SLUICE);
    }

    /** What the catalogue does not know, no meter can be called. */
    @Test
    void meters_are_made_by_the_catalogue_alone() {
        Set<String> ofARegistry =
                Set.of("counter", "gauge", "timer", "summary", "gaugeCollectionSize", "gaugeMapSize", "more",
                        "newMeter");
        noClasses().that().doNotHaveFullyQualifiedName(MetricCatalog.class.getName())
                .should().callMethodWhere(describe("register a meter",
                        call -> call.getTargetOwner().getPackageName().startsWith("io.micrometer.core.instrument")
                                && (call.getName().equals("builder")
                                        || call.getTargetOwner().isAssignableTo(MeterRegistry.class)
                                                && ofARegistry.contains(call.getName()))))
                .check(SLUICE);
        noClasses().that().doNotHaveFullyQualifiedName(MetricCatalog.class.getName())
                .should().callConstructorWhere(describe("name a metric",
                        call -> call.getTargetOwner().isEquivalentTo(MetricMetadata.class)))
                .check(SLUICE);
    }

    @Test
    void every_package_is_null_marked() {
        Set<String> unmarked = SLUICE.stream().map(JavaClass::getPackage)
                .filter(room -> !room.isAnnotatedWith(NullMarked.class)).map(room -> room.getName())
                .collect(Collectors.toSet());
        assertThat(unmarked).as("packages without a @NullMarked package-info.java").isEmpty();
    }
}
