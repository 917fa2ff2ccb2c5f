package io.sluice.cli.up;

import io.sluice.daemon.StartException;
import io.sluice.source.Excerpt;
import io.sluice.source.InputFile;
import io.sluice.source.Spelling;
import io.sluice.source.yaml.ReadingBudget;
import io.sluice.source.yaml.YamlException;
import io.sluice.source.yaml.YamlNode;
import io.sluice.source.yaml.YamlNode.Mapping;
import io.sluice.source.yaml.YamlNode.Member;
import io.sluice.source.yaml.YamlNode.Scalar;
import io.sluice.source.yaml.YamlNode.Sequence;
import io.sluice.source.yaml.YamlReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The file that says which programs play the Pods of which workloads: a YAML map of workloads, or a Procfile, where each line is
 * {@code NAME: COMMAND}. Reads all of it and tells every mistake with file, line and field.
 */
final class ProgramFile {

    /** The most programs. */
    static final int MAX_PROGRAMS = 100;

    private static final int MAX_COMPLAINTS = 20;
    private static final Pattern WORKLOAD =
            Pattern.compile("([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?");
    private static final Pattern VARIABLE = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]*");
    private static final Pattern PROCFILE_LINE = Pattern.compile("([^\\s:#]+):\\s*(.*?)\\s*");
    private static final Set<String> FIELDS =
            Set.of("command", "port", "replicas", "env", "workingDirectory", "listen");

    private final String name;
    private final Path directory;
    private final List<Program> programs = new ArrayList<>();
    private final List<String> complaints = new ArrayList<>();

    private ProgramFile(Path file) {
        this.name = file.toString();
        Path parent = file.toAbsolutePath().getParent();
        this.directory = parent == null ? Path.of("/") : parent;
    }

    /**
     * The programs of a file, in its order; at least one.
     *
     * @throws StartException if it cannot be used; one line for each mistake
     */
    static List<Program> read(Path path) throws StartException {
        ProgramFile file = new ProgramFile(path);
        try {
            byte[] octets = InputFile.readToEnd(path, InputFile.SMALL);
            String end = file.name.substring(file.name.lastIndexOf('.') + 1);
            if (Set.of("yaml", "yml", "json").contains(end)) {
                file.yaml(new YamlReader(octets, ReadingBudget.start()).single());
            } else {
                file.procfile(new String(octets, StandardCharsets.UTF_8));
            }
        } catch (NoSuchFileException e) {
            throw new StartException(path + ": there is no such file", e);
        } catch (IOException e) {
            throw new StartException(path + ": cannot be read: " + InputFile.reason(e), e);
        } catch (YamlException e) {
            throw new StartException(Excerpt.line(path + ":" + e.line() + ": " + e.getMessage()), e);
        }
        if (file.complaints.isEmpty() && file.programs.isEmpty()) {
            file.complain(1, "", "names no program: write 'NAMESPACE/NAME: COMMAND' for each workload");
        }
        if (!file.complaints.isEmpty()) {
            throw new StartException(String.join("\n", file.complaints));
        }
        return file.programs;
    }

    private void procfile(String text) {
        List<String> lines = text.lines().toList();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i);
            if (line.isBlank() || line.strip().startsWith("#")) {
                continue;
            }
            Matcher matcher = PROCFILE_LINE.matcher(line);
            if (!matcher.matches() || matcher.group(2).isEmpty()) {
                complain(i + 1, "", "'" + Excerpt.of(line.strip()) + "' is not NAME: COMMAND");
            } else {
                add(i + 1, matcher.group(1),
                        Program.of(name + ":" + (i + 1), matcher.group(1), Program.shell(matcher.group(2)), directory));
            }
        }
    }

    private void yaml(YamlNode root) {
        if (root.isNull()) {
            return;
        }
        if (!(root instanceof Mapping map)) {
            complain(root.line(), "", "is not a map of workloads: write 'NAMESPACE/NAME: COMMAND' for each");
            return;
        }
        for (Member member : map.members()) {
            String workload = member.key().text();
            int line = member.key().line();
            Program program = program(workload, line, member.value());
            if (program != null) {
                add(line, workload, program);
            }
        }
    }

    private void add(int line, String workload, Program program) {
        if (!WORKLOAD.matcher(workload).matches()) {
            complain(line, "", "'" + Excerpt.of(workload) + "' is not the name of a workload, such as api or shop/api");
        } else if (programs.stream().anyMatch(other -> other.workload().equals(workload))) {
            complain(line, workload, "is there twice");
        } else if (programs.size() == MAX_PROGRAMS) {
            complain(line, workload, "is one of more than " + MAX_PROGRAMS + " programs");
        } else {
            programs.add(program);
        }
    }

    private @Nullable Program program(String workload, int line, YamlNode value) {
        Program plain = Program.of(name + ":" + line, workload, List.of(), directory);
        if (value instanceof Scalar || value instanceof Sequence) {
            return new Program(plain.location(), plain.namespace(), plain.name(), command(workload, value), 0, -1,
                    Map.of(), directory, false);
        }
        Map<String, YamlNode> fields = new LinkedHashMap<>();
        for (Member member : ((Mapping) value).members()) {
            String key = member.key().text();
            if (!FIELDS.contains(key)) {
                complain(member.key().line(), workload + "." + Excerpt.of(key),
                        "is not a field" + Spelling.didYouMean(key, FIELDS) + "; there are " + String.join(", ",
                                FIELDS.stream().sorted().toList()));
            } else if (fields.put(key, member.value()) != null) {
                complain(member.key().line(), workload + "." + key, "is a duplicate key");
            }
        }
        YamlNode command = fields.get("command");
        if (command == null || command.isNull()) {
            complain(line, workload + ".command", "is missing");
            return null;
        }
        return new Program(plain.location(), plain.namespace(), plain.name(), command(workload + ".command", command),
                number(workload + ".port", fields.get("port"), 1, 65_535, 0),
                number(workload + ".replicas", fields.get("replicas"), 0, Program.MAX_REPLICAS, -1),
                environment(workload + ".env", fields.get("env")),
                directory(workload + ".workingDirectory", fields.get("workingDirectory")),
                ownPort(workload + ".listen", fields.get("listen")));
    }

    private List<String> command(String field, YamlNode value) {
        if (value instanceof Scalar scalar && !scalar.isNull() && !scalar.text().isBlank()) {
            return Program.shell(scalar.text());
        }
        List<String> words = new ArrayList<>();
        if (value instanceof Sequence list && list.elements().stream().allMatch(ProgramFile::isWord)) {
            list.elements().forEach(word -> words.add(((Scalar) word).text()));
        }
        if (words.isEmpty() || words.getFirst().isBlank()) {
            complain(value.line(), field, "must be a line for the shell, or a list of words");
        }
        return words;
    }

    private int number(String field, @Nullable YamlNode value, int min, int max, int otherwise) {
        if (value == null || value.isNull()) {
            return otherwise;
        }
        if (value instanceof Scalar scalar && scalar.text().matches("[0-9]{1,6}")) {
            int number = Integer.parseInt(scalar.text());
            if (number >= min && number <= max) {
                return number;
            }
        }
        complain(value.line(), field, shown(value) + "must be a whole number between " + min + " and " + max);
        return otherwise;
    }

    private Map<String, String> environment(String field, @Nullable YamlNode value) {
        Map<String, String> variables = new LinkedHashMap<>();
        if (value == null || value.isNull()) {
            return variables;
        }
        if (!(value instanceof Mapping map)) {
            complain(value.line(), field, "must be a map from names to values");
            return variables;
        }
        Set<String> seen = new HashSet<>();
        for (Member member : map.members()) {
            String variable = member.key().text();
            String path = field + "." + Excerpt.of(variable);
            if (!VARIABLE.matcher(variable).matches()) {
                complain(member.key().line(), path, "is not the name of a variable");
            } else if (!seen.add(variable)) {
                complain(member.key().line(), path, "is a duplicate key");
            } else if (member.value() instanceof Scalar scalar && scalar.text().indexOf('\0') < 0) {
                variables.put(variable, scalar.isNull() ? "" : scalar.text());
            } else {
                complain(member.key().line(), path, "must be a text");
            }
        }
        return variables;
    }

    private Path directory(String field, @Nullable YamlNode value) {
        if (value == null || value.isNull()) {
            return directory;
        }
        if (value instanceof Scalar scalar && scalar.type() == YamlNode.Type.TEXT && scalar.text().indexOf('\0') < 0) {
            Path path = directory.resolve(scalar.text()).normalize();
            if (Files.isDirectory(path)) {
                return path;
            }
        }
        complain(value.line(), field, shown(value) + "is not a directory");
        return directory;
    }

    private boolean ownPort(String field, @Nullable YamlNode value) {
        String word = value instanceof Scalar scalar && !scalar.isNull() ? scalar.text() : "address";
        if (value != null && !(value instanceof Scalar) || !word.equals("address") && !word.equals("port")) {
            complain(value == null ? 1 : value.line(), field, "must be 'address', for a program that listens at $HOST,"
                    + " or 'port', for one that listens at all addresses");
        }
        return word.equals("port");
    }

    private static boolean isWord(YamlNode node) {
        return node instanceof Scalar scalar && !scalar.isNull() && scalar.text().indexOf('\0') < 0;
    }

    private static String shown(YamlNode value) {
        return value instanceof Scalar scalar ? "'" + Excerpt.of(scalar.text()) + "' " : "";
    }

    private void complain(int line, String field, String message) {
        if (complaints.size() < MAX_COMPLAINTS) {
            complaints.add(Excerpt.line(name + ":" + line + ": " + (field.isEmpty() ? "" : field + ": ") + message));
        }
    }
}
