package io.sluice.cli;

import io.sluice.dns.PodRecords;
import io.sluice.node.AddressMode;
import io.sluice.proxy.Transport;
import io.sluice.source.kubernetes.KubernetesOptions.EndpointsFrom;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * Reads one of a few words, each the lower-case text of an enum constant, and offers them for completion.
 *
 * @param <E> the enum
 */
abstract class Word<E extends Enum<E>> implements ITypeConverter<E>, Iterable<String> {

    private final List<E> constants;

    private Word(List<E> constants) {
        this.constants = constants;
    }

    /** How {@code constant} is written. */
    static String of(Enum<?> constant) {
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
        return constants.stream().map(Word::of).toList();
    }

    /** {@code auto}, {@code epoll}, {@code io_uring} or {@code nio}. */
    static final class OfTransport extends Word<Transport> {
        OfTransport() {
            super(List.of(Transport.values()));
        }
    }

    /** {@code auto}, {@code none} or {@code local-route}. */
    static final class OfAddressMode extends Word<AddressMode> {
        OfAddressMode() {
            super(List.of(AddressMode.values()));
        }
    }

    /** {@code off}, {@code insecure} or {@code verified}. */
    static final class OfPodRecords extends Word<PodRecords> {
        OfPodRecords() {
            super(List.of(PodRecords.values()));
        }
    }

    /** {@code auto}, {@code endpointslices} or {@code endpoints}. */
    static final class OfEndpointsFrom extends Word<EndpointsFrom> {
        OfEndpointsFrom() {
            super(List.of(EndpointsFrom.values()));
        }
    }

    /** {@code text} or {@code json}. */
    static final class OfLogFormat extends Word<LogFormat> {
        OfLogFormat() {
            super(List.of(LogFormat.values()));
        }
    }

    /** {@code error} to {@code trace}. */
    static final class OfLogLevel extends Word<LogLevel> {
        OfLogLevel() {
            super(List.of(LogLevel.values()));
        }
    }

    /** {@code table}, {@code wide} or {@code json}. */
    static final class OfOutput extends Word<OutputFormat> {
        OfOutput() {
            super(List.of(OutputFormat.values()));
        }
    }

    /** {@code shell}, {@code dotenv}, {@code json} or {@code k8s}. */
    static final class OfEnvFormat extends Word<EnvCommand.Format> {
        OfEnvFormat() {
            super(List.of(EnvCommand.Format.values()));
        }
    }

    /** {@code auto}, {@code host} or {@code own}. */
    static final class OfNetwork extends Word<ExecCommand.Network> {
        OfNetwork() {
            super(List.of(ExecCommand.Network.values()));
        }
    }

    /** {@code bash}, {@code zsh} or {@code fish}. */
    static final class OfShell extends Word<CompletionCommand.Shell> {
        OfShell() {
            super(List.of(CompletionCommand.Shell.values()));
        }
    }

    /** {@code markdown} or {@code yaml}. */
    static final class OfDocument extends Word<ReferenceCommand.Document> {
        OfDocument() {
            super(List.of(ReferenceCommand.Document.values()));
        }
    }

    /** {@code table} or {@code json}. */
    static final class OfPlainOutput extends Word<OutputFormat> {
        OfPlainOutput() {
            super(List.of(OutputFormat.TABLE, OutputFormat.JSON));
        }
    }
}
