package io.sluice.source.manifest;

import io.sluice.service.IpAddresses;
import io.sluice.service.Protocol;
import io.sluice.source.Spelling;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The API server's rules for values that several kinds have (k8s.io/apimachinery util/validation), and warnings about
 * fields that it does not know.
 */
final class FieldRules {

    static final Set<String> METADATA_FIELDS = Set.of("annotations", "creationTimestamp",
            "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers", "generateName", "generation", "labels",
            "managedFields", "name", "namespace", "ownerReferences", "resourceVersion", "selfLink", "uid");

    private static final String LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
    private static final Pattern DNS_LABEL = Pattern.compile(LABEL);
    private static final Pattern DNS_SUBDOMAIN = Pattern.compile(LABEL + "(\\." + LABEL + ")*");
    private static final Pattern PORT_NAME = Pattern.compile("(?=.{1,15}$)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*");
    private static final Pattern LABEL_VALUE = Pattern.compile("([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?");

    private FieldRules() {}

    /** RFC 1123: lower case letters, digits and '-', 63 characters at the most. */
    static boolean isDnsLabel(String text) {
        return DNS_LABEL.matcher(text).matches();
    }

    /** DNS labels with dots between them, 253 characters at the most. */
    static boolean isDnsName(String text) {
        return text.length() <= 253 && DNS_SUBDOMAIN.matcher(text).matches();
    }

    /** A port name of a container (IANA_SVC_NAME, RFC 6335): at most 15 characters, at least one letter. */
    static boolean isContainerPortName(String text) {
        return PORT_NAME.matcher(text).matches();
    }

    /** Whether a label may have this value. */
    static boolean isLabelValue(String text) {
        return LABEL_VALUE.matcher(text).matches();
    }

    /** An IP address in its strict text form. */
    static InetAddress address(Field field) throws InvalidFieldException {
        if (!field.present()) {
            throw field.invalid("is missing");
        }
        return address(field, field.text(""));
    }

    /** {@code text}, a part of {@code field}, as an IP address. */
    static InetAddress address(Field field, String text) throws InvalidFieldException {
        InetAddress address;
        try {
            address = IpAddresses.parse(text);
        } catch (IllegalArgumentException e) {
            throw field.invalid(String.valueOf(e.getMessage()));
        }
        if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
            throw field.invalid("'" + text + "' cannot be connected to");
        }
        return address;
    }

    /** All addresses of a list. */
    static List<InetAddress> addresses(Field list) throws InvalidFieldException {
        List<InetAddress> addresses = new ArrayList<>();
        for (Field element : list.elements()) {
            addresses.add(address(element));
        }
        return addresses;
    }

    /** A port number, 1 to 65,535. */
    static int port(Field field) throws InvalidFieldException {
        if (!field.present()) {
            throw field.invalid("is missing");
        }
        return field.integer(1, 65_535, 0);
    }

    /** The protocol; TCP if absent. */
    static Protocol protocol(Field field) throws InvalidFieldException {
        String text = field.text("TCP");
        return switch (text) {
            case "TCP" -> Protocol.TCP;
            case "UDP" -> Protocol.UDP;
            case "SCTP" -> Protocol.SCTP;
            default -> throw field.invalid("'" + text + "' must be TCP, UDP or SCTP");
        };
    }

    /** Warns of members that are not among {@code known}: mostly typing errors. */
    static void warnUnknown(Field mapping, Set<String> known, String subject, Problems problems)
            throws InvalidFieldException {
        for (Field member : mapping.members()) {
            if (!known.contains(member.key())) {
                String meant = problems.keepsWarnings() ? Spelling.didYouMean(member.key(), known) : "";
                problems.warning(member.location(), subject + " " + member.path(),
                        "is not a field that Kubernetes knows and has no effect" + meant);
            }
        }
    }

    /** Warns of members whose names are nearly one of {@code read}; for objects that have many other fields. */
    static void warnMisspelt(Field mapping, Set<String> read, String subject, Problems problems)
            throws InvalidFieldException {
        for (Field member : mapping.members()) {
            String meant = read.contains(member.key()) || !problems.keepsWarnings()
                    ? ""
                    : Spelling.didYouMean(member.key(), read);
            if (!meant.isEmpty()) {
                problems.warning(member.location(), subject + " " + member.path(), "has no effect" + meant);
            }
        }
    }
}
