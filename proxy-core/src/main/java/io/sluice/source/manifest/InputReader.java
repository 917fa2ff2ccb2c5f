package io.sluice.source.manifest;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.composer.Composer;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.parser.ParserImpl;
import org.snakeyaml.engine.v2.scanner.StreamReader;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * Reads the files, directories and standard input that the user named. Not thread-safe.
 *
 * <p>A directory counts with its files that end in {@code .yaml}, {@code .yml} or {@code .json} and do not begin with a
 * dot, not with its subdirectories, as {@code kubectl apply -f} has it. A file that is named twice is read once.
 *
 * <p>Limits: {@value #MAX_FILE_BYTES} bytes a file, {@value #MAX_ALIASES} YAML aliases of lists and mappings a document,
 * {@value NestingLimit#MAX_DEPTH} levels, {@value ObjectReader#MAX_OBJECTS} objects.
 */
final class InputReader {

    private static final Logger LOG = LoggerFactory.getLogger(InputReader.class);

    static final String STDIN = "-";
    /** A larger file is refused. */
    static final int MAX_FILE_BYTES = 64 * 1024 * 1024;
    /** Aliases of texts and numbers are not counted: they cannot multiply. */
    static final int MAX_ALIASES = 100;

    private final List<String> inputs;
    private final InputStream stdin;
    private @Nullable String stdinText;
    /** Files that hold something in the state that is in force, and in the one that was read last. */
    private Set<Path> filled = Set.of();
    private Set<Path> filledNow = new HashSet<>();

    InputReader(List<String> inputs, InputStream stdin) {
        this.inputs = inputs;
        this.stdin = stdin;
    }

    /** What can be seen of the files without reading them; differs if one was changed or replaced. */
    record Fingerprint(Map<String, FileState> files) {}

    /** What can be seen of one of them; a file that is replaced has another key, a device and an inode. */
    sealed interface FileState {

        record Seen(@Nullable Object key, long size, FileTime modified) implements FileState {}

        record Hidden(String why) implements FileState {}
    }

    /** The present state of all inputs. */
    Fingerprint fingerprint() {
        Map<String, FileState> files = new HashMap<>();
        for (String input : inputs) {
            if (!input.equals(STDIN)) {
                try {
                    for (Path file : files(Path.of(input))) {
                        files.put(file.toString(), state(file));
                    }
                } catch (IOException | InvalidPathException e) {
                    files.put(input, new FileState.Hidden(e.toString()));
                }
            }
        }
        return new Fingerprint(files);
    }

    private static FileState state(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            return new FileState.Seen(attributes.fileKey(), attributes.size(), attributes.lastModifiedTime());
        } catch (IOException e) {
            return new FileState.Hidden(e.toString());
        }
    }

    /**
     * Where something happens when an input changes.
     *
     * @param directories that have the inputs, or will have them
     * @param all whether nothing that changes an input happens elsewhere, as it can when it is reached by symbolic links
     */
    record Places(Set<Path> directories, boolean all) {}

    /** As things are at present. */
    Places places() {
        Set<Path> directories = new HashSet<>();
        boolean all = true;
        for (String input : inputs) {
            if (!input.equals(STDIN)) {
                Path path = Path.of(input).toAbsolutePath();
                if (Files.isDirectory(path)) {
                    directories.add(path);
                }
                addParent(path, directories);
                try {
                    Path real = path.toRealPath();
                    addParent(real, directories);
                    all &= real.equals(path.normalize()) && files(path).stream().noneMatch(Files::isSymbolicLink);
                } catch (IOException e) {
                    LOG.debug("{} is not there now; its parent will tell when it comes", path);
                    all = false;
                }
            }
        }
        return new Places(directories, all);
    }

    private static void addParent(Path path, Set<Path> directories) {
        Path parent = path.getParent();
        if (parent != null) {
            directories.add(parent);
        }
    }

    /** Everything that can be understood; the rest becomes problems. */
    ObjectReader read(Problems problems) {
        ObjectReader objects = new ObjectReader(problems);
        filledNow = new HashSet<>();
        Set<Path> seen = new HashSet<>();
        for (String input : inputs) {
            try {
                if (input.equals(STDIN)) {
                    parse("stdin", stdinText(), objects, problems);
                } else {
                    readPath(Path.of(input), seen, objects, problems);
                }
            } catch (NoSuchFileException e) {
                problems.error(input, "", "there is no such file or directory");
            } catch (CharacterCodingException e) {
                problems.error(input, "", "is not a text in UTF-8");
            } catch (IOException e) {
                problems.error(input, "", "cannot be read: " + e.getMessage());
            } catch (InvalidPathException e) {
                problems.error(input, "", "is not a path");
            }
        }
        reportDuplicates(objects.objects(), problems);
        return objects;
    }

    /** What was read last is in force now. */
    void commit() {
        filled = filledNow;
    }

    private void readPath(Path path, Set<Path> seen, ObjectReader objects, Problems problems) throws IOException {
        boolean directory = Files.isDirectory(path);
        List<Path> files = files(path);
        if (files.isEmpty()) {
            problems.warning(path.toString(), "", "holds no manifest: no file that ends in .yaml, .yml or .json");
        }
        for (Path file : files) {
            try {
                if (seen.add(file.toRealPath())) {
                    read(file, objects, problems);
                }
            } catch (NoSuchFileException e) {
                if (!directory) {
                    throw e;
                }
                if (Files.isSymbolicLink(file)) {
                    problems.error(file.toString(), "", "is a symbolic link that leads nowhere");
                } // else it was deleted since the directory was listed
            } catch (CharacterCodingException e) {
                problems.error(file.toString(), "", "is not a text in UTF-8");
            } catch (IOException e) {
                problems.error(file.toString(), "", "cannot be read: " + e.getMessage());
            }
        }
    }

    /**
     * An empty file that was not empty before is more probably an accident, a full disk or an editor at work, than a wish
     * to stop serving everything in it.
     */
    private void read(Path file, ObjectReader objects, Problems problems) throws IOException {
        String text = text(file);
        if (!text.isBlank()) {
            filledNow.add(file);
            parse(file.toString(), text, objects, problems);
        } else if (filled.contains(file)) {
            problems.error(file.toString(), "", "is empty, but was not; delete it, or write a comment into it, if its"
                    + " objects are to go");
        } else {
            problems.warning(file.toString(), "", "is empty");
        }
    }

    private static List<Path> files(Path input) throws IOException {
        if (!Files.isDirectory(input)) {
            return List.of(input);
        }
        TreeSet<Path> files = new TreeSet<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(input, InputReader::isManifest)) {
            entries.forEach(files::add);
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        return List.copyOf(files);
    }

    private static boolean isManifest(Path path) {
        String name = path.getFileName().toString().toLowerCase(Locale.ROOT);
        return !name.startsWith(".") && (name.endsWith(".yaml") || name.endsWith(".yml") || name.endsWith(".json"))
                && !Files.isDirectory(path);
    }

    private static String text(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new IOException("it is a directory");
        }
        try (InputStream in = Files.newInputStream(file)) {
            return text(in);
        }
    }

    private static String text(InputStream in) throws IOException {
        byte[] bytes = in.readNBytes(MAX_FILE_BYTES + 1);
        if (bytes.length > MAX_FILE_BYTES) {
            throw new IOException("it is larger than " + MAX_FILE_BYTES / (1024 * 1024) + " MiB");
        }
        String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    private String stdinText() throws IOException {
        String text = stdinText;
        if (text == null) {
            text = text(stdin);
            stdinText = text;
        }
        return text;
    }

    private static void parse(String source, String text, ObjectReader objects, Problems problems) {
        LoadSettings settings = LoadSettings.builder().setLabel(source).setMaxAliasesForCollections(MAX_ALIASES)
                .setCodePointLimit(MAX_FILE_BYTES).setSchema(new CoreSchema()).setUseMarks(true).build();
        try {
            Composer composer = new Composer(settings,
                    new NestingLimit(new ParserImpl(settings, new StreamReader(settings, text))));
            while (composer.hasNext()) {
                Field document = Field.root(source, composer.next());
                if (document.present()) {
                    objects.read(document);
                }
            }
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().map(mark -> mark.getLine() + 1).orElse(1);
            int column = e.getProblemMark().map(mark -> mark.getColumn() + 1).orElse(1);
            problems.error(source + ":" + line, "",
                    "is not YAML: " + firstLine(String.valueOf(e.getProblem())) + " (column " + column + ")");
        } catch (ReaderException e) {
            problems.error(source + ":" + line(text, e.getPosition()), "",
                    "is not YAML: the character U+%04X is not allowed".formatted(e.getCodePoint()));
        } catch (YamlEngineException e) {
            problems.error(source, "", "is not YAML: " + firstLine(String.valueOf(e.getMessage())));
        }
    }

    private static long line(String text, int codePoints) {
        return 1 + text.codePoints().limit(codePoints).filter(c -> c == '\n').count();
    }

    private static String firstLine(String message) {
        return message.lines().findFirst().orElse("").strip();
    }

    private static void reportDuplicates(List<Manifest> objects, Problems problems) {
        Map<String, Manifest> seen = new HashMap<>();
        Set<Manifest> duplicates = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Manifest object : objects) {
            Manifest first = seen.putIfAbsent(object.subject(), object);
            if (first != null) {
                duplicates.add(object);
                problems.error(object.location(), object.subject(),
                        "stands at " + first.location() + " as well; one of the two has to go");
            }
        }
        objects.removeIf(duplicates::contains);
    }
}
