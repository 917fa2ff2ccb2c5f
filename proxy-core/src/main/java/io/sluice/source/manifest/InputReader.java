package io.sluice.source.manifest;

import io.sluice.source.Activity;
import io.sluice.source.InputFile;
import io.sluice.source.InputFile.Kind;
import io.sluice.source.manifest.ManifestFinder.Found;
import io.sluice.source.manifest.ManifestOptions.PodDetail;
import io.sluice.source.manifest.ReadingLimits.Rest;
import io.sluice.source.yaml.YamlException;
import io.sluice.source.yaml.YamlNode;
import io.sluice.source.yaml.YamlReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads the files, directories and standard input that the user named. Not thread-safe.
 *
 * <p>Of a directory the files count that end in {@code .yaml}, {@code .yml} or {@code .json} and do not begin with a dot, and
 * subdirectories only if that is wanted, as with {@code kubectl apply -f}. Files of a directory that are no manifests, such as
 * those of kustomize, Helm and compose, are passed over; one that was named itself has to be a manifest. A file that is
 * named twice is read once.
 *
 * <p>Standard input, and a pipe or device that was named, are read once and to their end, however long that takes, as
 * by {@code kubectl}. In a directory, and after the start, they are not opened: that could last for ever.
 *
 * <p>Limits: {@link ReadingLimits}, {@link YamlReader}.
 */
final class InputReader {

    private static final Logger LOG = LoggerFactory.getLogger(InputReader.class);

    static final String STDIN = "-";
    private static final List<String> KUSTOMIZE = List.of("kubectl", "kustomize");

    private final ManifestInputs inputs;
    private final InputStream stdin;
    /** Records each step whose duration depends on a file system, a pipe or a user. */
    private final Activity activity;
    /** The content of inputs that can be read only once, by the input's name. */
    private final Map<String, byte[]> once = new HashMap<>();
    private boolean started;
    /** Files that are not empty in the state in force, and in the state that was read last. */
    private Set<Path> filled = Set.of();
    private Set<Path> filledNow = new HashSet<>();
    /** Files that objects came from, in the state in force, and in the state that was read last. */
    private Set<Path> used = Set.of();
    private Set<Path> usedNow = new HashSet<>();

    InputReader(ManifestInputs inputs, InputStream stdin, Activity activity) {
        this.inputs = inputs;
        this.stdin = stdin;
        this.activity = activity;
    }

    /** What the file system says about the files without a read; differs if one was changed or replaced. */
    record Fingerprint(Map<String, FileState> files) {}

    /** What it says about one of them; a file that replaces another has another key, a device and an inode. */
    sealed interface FileState {

        record Seen(@Nullable Object key, long size, FileTime modified) implements FileState {}

        record Hidden(String why) implements FileState {}
    }

    /** The present state of all inputs. */
    Fingerprint fingerprint() {
        Map<String, FileState> files = new HashMap<>();
        for (String input : inputs.paths()) {
            if (!input.equals(STDIN)) {
                addStates(input, () -> ManifestFinder.manifests(Path.of(input), inputs.recursive()), files);
            }
        }
        for (String input : inputs.kustomizations()) {
            addStates(input, () -> ofKustomization(input), files);
        }
        return new Fingerprint(files);
    }

    /** Finds files; may wait for a file system. */
    private interface Find {
        Found find() throws IOException;
    }

    /** Every file of a kustomization, and of those that it builds on. */
    private static Found ofKustomization(String input) throws IOException {
        List<Path> files = new ArrayList<>();
        List<Path> directories = new ArrayList<>();
        for (Path directory : Kustomization.directories(Path.of(input))) {
            Found found = ManifestFinder.all(directory);
            files.addAll(found.files());
            directories.addAll(found.directories());
        }
        return new Found(files, directories);
    }

    private void addStates(String input, Find find, Map<String, FileState> files) {
        try {
            for (Path file : activity.waitingFor(input, find::find).files()) {
                files.put(file.toString(), activity.waitingFor(file.toString(), () -> state(file)));
            }
        } catch (IOException | InvalidPathException e) {
            files.put(input, new FileState.Hidden(e.toString()));
        }
    }

    private static FileState state(Path file) {
        try {
            BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
            if (!attributes.isRegularFile()) {
                return new FileState.Hidden("not a file");
            }
            return new FileState.Seen(attributes.fileKey(), attributes.size(), attributes.lastModifiedTime());
        } catch (IOException e) {
            return new FileState.Hidden(e.toString());
        }
    }

    /**
     * The directories in which events are reported when an input changes.
     *
     * @param directories those of the inputs, or in which they will be created
     * @param all         false if an input can change without an event in these directories, for example behind a symbolic link
     */
    record Places(Set<Path> directories, boolean all) {}

    /** The directories at present. */
    Places places() {
        return activity.waitingFor(inputs.toString(), this::findPlaces);
    }

    private Places findPlaces() {
        Set<Path> directories = new HashSet<>();
        boolean all = true;
        for (String input : inputs.paths()) {
            if (!input.equals(STDIN) && !once.containsKey(input)) {
                Path path = Path.of(input).toAbsolutePath();
                all &= addPlaces(path, () -> ManifestFinder.manifests(path, inputs.recursive()), directories);
            }
        }
        for (String input : inputs.kustomizations()) {
            Path path = Path.of(input).toAbsolutePath();
            all &= addPlaces(path, () -> ofKustomization(input), directories);
        }
        return new Places(directories, all);
    }

    private static boolean addPlaces(Path path, Find find, Set<Path> directories) {
        addParent(path, directories);
        try {
            Path real = path.toRealPath();
            addParent(real, directories);
            Found found = find.find();
            directories.addAll(found.directories());
            return real.equals(path.normalize()) && found.files().stream().noneMatch(Files::isSymbolicLink);
        } catch (IOException e) {
            LOG.debug("{} is not there now; its parent reports when it is created", path);
            return false;
        }
    }

    private static void addParent(Path path, Set<Path> directories) {
        Path parent = path.getParent();
        if (parent != null) {
            directories.add(parent);
        }
    }

    /** Reads everything; what cannot be understood becomes problems. */
    DocumentReader read(Problems problems, Rest rest) {
        return read(problems, rest, PodDetail.ADDRESSES);
    }

    /**
     * The same.
     *
     * @param detail what is read of Pods, and mistakes in it told
     */
    DocumentReader read(Problems problems, Rest rest, PodDetail detail) {
        DocumentReader objects = new DocumentReader(problems, rest, detail);
        Reading reading = new Reading(objects, problems, rest, new HashSet<>());
        filledNow = new HashSet<>();
        usedNow = new HashSet<>();
        for (String input : inputs.paths()) {
            try {
                if (input.equals(STDIN)) {
                    readOnce(input, "stdin", reading);
                } else {
                    readPath(input, Path.of(input), reading);
                }
            } catch (NoSuchFileException e) {
                problems.error(input, "", "there is no such file or directory");
            } catch (IOException e) {
                problems.error(input, "", "cannot be read: " + InputFile.reason(e));
            } catch (InvalidPathException e) {
                problems.error(input, "", "is not a path");
            }
        }
        inputs.kustomizations().forEach(input -> readKustomization(input, reading));
        started = true;
        reportDuplicates(objects.objects(), problems);
        return objects;
    }

    /** The state that was read last is in force now. */
    void commit() {
        filled = filledNow;
        used = usedNow;
    }

    /** What the parts of one read share; {@code seen} are the real paths of files that were read. */
    private record Reading(DocumentReader objects, Problems problems, Rest rest, Set<Path> seen) {}

    private void readPath(String input, Path path, Reading reading) throws IOException {
        Kind kind = once.containsKey(input) ? Kind.PIPE : activity.waitingFor(input, () -> InputFile.kind(path));
        if (kind == Kind.PIPE || kind == Kind.DEVICE) {
            readOnce(input, input, reading);
            return;
        }
        boolean directory = kind == Kind.DIRECTORY;
        List<Path> files =
                activity.waitingFor(input, () -> ManifestFinder.manifests(path, inputs.recursive()).files());
        int usedBefore = usedNow.size();
        for (Path file : files) {
            try {
                if (directory && isNoFile(file, reading.problems)) {
                    continue;
                }
                if (reading.seen.add(activity.waitingFor(file.toString(), () -> file.toRealPath()))) {
                    read(file, reading, directory);
                }
            } catch (NoSuchFileException e) {
                if (!directory) {
                    throw e;
                }
                if (Files.isSymbolicLink(file)) {
                    reading.problems.error(file.toString(), "", "is a symbolic link that leads nowhere");
                } // else it was deleted since the directory was listed
            } catch (IOException e) {
                reading.problems.error(file.toString(), "", "cannot be read: " + InputFile.reason(e));
            }
        }
        if (directory && usedNow.size() == usedBefore) {
            reportNothing(path, files, reading.problems);
        }
    }

    /** Warns of a directory in which nothing was read. */
    private void reportNothing(Path directory, List<Path> files, Problems problems) throws IOException {
        if (!inputs.recursive()
                && activity.waitingFor(directory.toString(), () -> ManifestFinder.hasBelow(directory))) {
            problems.warning(directory.toString(), "",
                    "holds no manifest, but its subdirectories do: -R reads them, too");
        } else if (files.isEmpty()) {
            problems.warning(directory.toString(), "", "holds no manifest: no file that ends in .yaml, .yml or .json");
        }
    }

    /** Whether an entry of a directory is no file: a read of it might wait for ever. */
    private boolean isNoFile(Path file, Problems problems) throws IOException {
        Kind kind = activity.waitingFor(file.toString(), () -> InputFile.kind(file));
        if (kind == Kind.FILE) {
            return false;
        }
        if (filled.contains(file)) {
            problems.error(file.toString(), "", "is " + kind + ", but was a file; delete it if its objects are to go");
        } else {
            problems.warning(file.toString(), "", "is " + kind + ", not a file; it is not read");
        }
        return true;
    }

    /** Reads a pipe or a device, at the start only; what it held then stays. */
    private void readOnce(String input, String name, Reading reading) throws IOException {
        byte[] text = once.get(input);
        if (text == null) {
            if (started) {
                throw new IOException(
                        "it is not a file any more, and whatever is not a file is read at the start only");
            }
            int limit = reading.rest.limits().fileBytes();
            text = input.equals(STDIN)
                    ? activity.waitingFor("the end of standard input", () -> InputFile.readToEnd(stdin, limit))
                    : activity.waitingFor(input, () -> InputFile.readToEnd(Path.of(input), limit));
            once.put(input, text);
        }
        parse(name, text, reading, null);
    }

    private void readKustomization(String directory, Reading reading) {
        int limit = reading.rest.limits().fileBytes();
        try {
            parse("kubectl kustomize " + directory, activity.waitingFor("kubectl kustomize " + directory,
                    () -> Kustomization.build(KUSTOMIZE, directory, limit)), reading, null);
        } catch (IOException e) {
            reading.problems.error(directory, "", String.valueOf(e.getMessage()));
        }
    }

    /**
     * Reads a file. One that is empty and was not before is more probably an accident, a full disk or an editor at work, than
     * a wish to remove everything in it.
     */
    private void read(Path file, Reading reading, boolean found) throws IOException {
        if (reading.objects.full() || stopAt(reading.rest.over(), file.toString(), reading)) {
            return;
        }
        int limit = reading.rest.limits().fileBytes();
        byte[] text = activity.waitingFor(file.toString(), () -> InputFile.read(file, limit));
        if (!isBlank(text)) {
            filledNow.add(file);
            if (parse(file.toString(), text, reading, found && !used.contains(file) ? file : null)) {
                usedNow.add(file);
            }
        } else if (filled.contains(file)) {
            reading.problems.error(file.toString(), "",
                    "is empty, but was not; delete it, or write a comment into it, if its objects are to go");
        } else {
            reading.problems.warning(file.toString(), "", "is empty");
        }
    }

    /** Whether {@code source} exceeds {@code limit}, which is empty if not; then no other file is read either. */
    private static boolean stopAt(String limit, String source, Reading reading) {
        if (limit.isEmpty()) {
            return false;
        }
        reading.problems.error(source, "", limit);
        reading.objects.stop();
        return true;
    }

    private static boolean isBlank(byte[] text) {
        for (byte b : text) {
            if (b != ' ' && b != '\n' && b != '\r' && b != '\t') {
                return false;
            }
        }
        return true;
    }

    /**
     * Reads the documents of {@code text}.
     *
     * @param found the file if it was found in a directory and may be no manifest; null if it has to be one
     * @return whether it holds an object
     */
    private static boolean parse(String source, byte[] text, Reading reading, @Nullable Path found) {
        if (stopAt(reading.rest.tooManyBytes(text.length), source, reading)) {
            return false;
        }
        boolean any = false;
        YamlReader yaml = new YamlReader(text, reading.rest.budget());
        try {
            for (YamlNode document = yaml.next(); document != null && !reading.objects.full(); document = yaml.next()) {
                Field root = Field.root(source, document);
                if (found != null && !DocumentReader.isObject(root)) {
                    reading.objects.passOver(found);
                } else {
                    reading.objects.read(root);
                    any |= root.present();
                }
            }
        } catch (YamlException e) {
            if (!HelmTemplates.isTemplate(text)) {
                reading.problems.error(source + ":" + e.line(), "", String.valueOf(e.getMessage()));
            } else if (found != null) {
                reading.problems.warning(source + ":" + e.line(), "",
                        HelmTemplates.advice(found) + "; it is passed over");
                reading.objects.passOver(found);
            } else {
                reading.problems.error(source + ":" + e.line(), "", HelmTemplates.advice(Path.of(source)));
            }
        }
        return any;
    }

    private static void reportDuplicates(List<Manifest> objects, Problems problems) {
        Map<String, Manifest> seen = new HashMap<>();
        Set<Manifest> duplicates = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Manifest object : objects) {
            Manifest first = seen.putIfAbsent(object.subject(), object);
            if (first != null) {
                duplicates.add(object);
                problems.error(object.location(), object.subject(),
                        "is a duplicate of the object at " + first.location() + "; remove one of them");
            }
        }
        objects.removeIf(duplicates::contains);
    }
}
