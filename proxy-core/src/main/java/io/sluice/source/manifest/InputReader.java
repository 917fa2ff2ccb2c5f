package io.sluice.source.manifest;

import io.sluice.source.manifest.Manifest.ServiceManifest;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Node;

/**
 * Reads the files, directories and standard input that the user named. Not thread-safe.
 *
 * <p>A directory counts with its files that end in {@code .yaml}, {@code .yml} or {@code .json} and do not begin with a
 * dot, not with its subdirectories, as {@code kubectl apply -f} has it.
 */
final class InputReader {

    static final String STDIN = "-";
    /** A larger file is refused. */
    static final int MAX_FILE_BYTES = 64 * 1024 * 1024;
    private static final int MAX_ALIASES = 100;

    private final List<String> inputs;
    private final InputStream stdin;
    private @Nullable String stdinText;

    InputReader(List<String> inputs, InputStream stdin) {
        this.inputs = inputs;
        this.stdin = stdin;
    }

    /** What can be seen of a file without reading it; differs if the file was changed or replaced. */
    record Fingerprint(Map<Path, String> files) {}

    /** The present state of all inputs. */
    Fingerprint fingerprint() {
        Map<Path, String> files = new HashMap<>();
        for (String input : inputs) {
            if (!input.equals(STDIN)) {
                Path path = Path.of(input);
                try {
                    for (Path file : files(path)) {
                        BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
                        files.put(file, attributes.fileKey() + " " + attributes.size() + " "
                                + attributes.lastModifiedTime().toInstant());
                    }
                } catch (IOException e) {
                    files.put(path, "unreadable: " + e);
                }
            }
        }
        return new Fingerprint(files);
    }

    /** Everything that can be understood; the rest becomes problems. */
    ObjectReader read(Problems problems) {
        ObjectReader objects = new ObjectReader(problems);
        for (String input : inputs) {
            try {
                if (input.equals(STDIN)) {
                    parse("stdin", stdinText(), objects, problems);
                } else {
                    for (Path file : files(Path.of(input))) {
                        parse(file.toString(), text(file), objects, problems);
                    }
                }
            } catch (NoSuchFileException e) {
                problems.error(e.getFile(), "", "there is no such file or directory");
            } catch (CharacterCodingException e) {
                problems.error(input, "", "is not a text in UTF-8");
            } catch (IOException e) {
                problems.error(input, "", "cannot be read: " + e.getMessage());
            }
        }
        reportDuplicates(objects.objects(), problems);
        return objects;
    }

    private static List<Path> files(Path input) throws IOException {
        if (!Files.isDirectory(input)) {
            return List.of(input);
        }
        TreeSet<Path> files = new TreeSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(input, InputReader::isManifest)) {
            entries.forEach(files::add);
        }
        return List.copyOf(files);
    }

    private static boolean isManifest(Path path) {
        String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
        return !name.startsWith(".") && (name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json"))
                && !Files.isDirectory(path);
    }

    private static String text(Path file) throws IOException {
        if (Files.size(file) > MAX_FILE_BYTES) {
            throw new IOException("it is larger than " + MAX_FILE_BYTES / (1024 * 1024) + " MiB");
        }
        return decode(Files.readAllBytes(file));
    }

    private static String decode(byte[] bytes) throws CharacterCodingException {
        return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    }

    private String stdinText() throws IOException {
        String text = stdinText;
        if (text == null) {
            text = decode(stdin.readNBytes(MAX_FILE_BYTES));
            stdinText = text;
        }
        return text;
    }

    private static void parse(String source, String text, ObjectReader objects, Problems problems) {
        LoadSettings settings = LoadSettings.builder().setLabel(source).setMaxAliasesForCollections(MAX_ALIASES)
                .setCodePointLimit(MAX_FILE_BYTES).setUseMarks(true).build();
        try {
            for (Node document : new Compose(settings).composeAllFromString(text)) {
                Field root = Field.root(source, document);
                if (root.present()) {
                    objects.read(root);
                }
            }
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1);
            int column = e.getProblemMark().map(mark -> mark.getColumn() + 1).orElse(1);
            problems.error(source + ":" + line, "", "is not YAML: " + firstLine(e.getProblem()) + " (column " + column
                    + ")");
        } catch (YamlEngineException e) {
            problems.error(source, "", "is not YAML: " + firstLine(String.valueOf(e.getMessage())));
        }
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("").strip();
    }

    private static void reportDuplicates(List<Manifest> objects, Problems problems) {
        Map<String, Manifest> seen = new LinkedHashMap<>();
        List<Manifest> duplicates = new ArrayList<>();
        for (Manifest object : objects) {
            Manifest first = seen.putIfAbsent(object.subject(), object);
            if (first != null) {
                duplicates.add(object);
                problems.error(object.location(), object.subject(),
                        "stands at " + first.location() + " as well; one of the two has to go");
            }
        }
        objects.removeIf(object -> object instanceof ServiceManifest && duplicates.contains(object));
    }
}
