package io.sluice.cli.config;

import io.sluice.cli.log.LogFormat;
import io.sluice.cli.log.LogLevel;
import io.sluice.dns.zone.PodRecords;
import io.sluice.node.AddressMode;
import io.sluice.proxy.Transport;
import io.sluice.service.HandoffPolicy;
import io.sluice.source.kubernetes.KubernetesOptions.EndpointsFrom;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads a word that is the lower-case text of an enum constant, and offers these words for completion.
 *
 * @param <E> the enum
 */
public abstract class EnumConverter<E extends Enum<E>> implements ITypeConverter<E>, Iterable<String> {

    private final List<E> constants;

    /** @param constants the ones that are allowed */
    protected EnumConverter(List<E> constants) {
        this.constants = constants;
    }

    /** The spelling of {@code constant}. */
    public static String of(Enum<?> constant) {
        return constant.toString().toLowerCase(Locale.ROOT);
    }

    @Override
    public E convert(String value) {
        for (E constant : constants) {
            if (of(constant).equalsIgnoreCase(value)) {
                return constant;
            }
        }
        throw new TypeConversionException("'" + value + "' is none of " + String.join(", ", words()));
    }

    @Override
    public Iterator<String> iterator() {
        return words().iterator();
    }

    private List<String> words() {
        return constants.stream().map(EnumConverter::of).toList();
    }

    /** {@code auto}, {@code epoll}, {@code io_uring} or {@code nio}. */
    static final class OfTransport extends EnumConverter<Transport> {
        OfTransport() {
            super(List.of(Transport.values()));
        }
    }

    /** {@code never}, {@code auto} or {@code eager}. */
    static final class OfHandoffPolicy extends EnumConverter<HandoffPolicy> {
        OfHandoffPolicy() {
            super(List.of(HandoffPolicy.values()));
        }
    }

    /** {@code dnat} or {@code none}. */
    static final class OfFallback extends EnumConverter<NodeFlags.Fallback> {
        OfFallback() {
            super(List.of(NodeFlags.Fallback.values()));
        }
    }

    /** {@code auto}, {@code none}, {@code local-route} or {@code nftables}. */
    static final class OfAddressMode extends EnumConverter<AddressMode> {
        OfAddressMode() {
            super(List.of(AddressMode.values()));
        }
    }

    /** {@code off}, {@code insecure} or {@code verified}. */
    static final class OfPodRecords extends EnumConverter<PodRecords> {
        OfPodRecords() {
            super(List.of(PodRecords.values()));
        }
    }

    /** {@code auto}, {@code endpointslices} or {@code endpoints}. */
    static final class OfEndpointsFrom extends EnumConverter<EndpointsFrom> {
        OfEndpointsFrom() {
            super(List.of(EndpointsFrom.values()));
        }
    }

    /** {@code text} or {@code json}. */
    static final class OfLogFormat extends EnumConverter<LogFormat> {
        OfLogFormat() {
            super(List.of(LogFormat.values()));
        }
    }

    /** {@code error} to {@code trace}. */
    public static final class OfLogLevel extends EnumConverter<LogLevel> {
        /** Made by picocli. */
        public OfLogLevel() {
            super(List.of(LogLevel.values()));
        }
    }
}
