package io.sluice.cli.config;

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
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The daemon's configuration file: a YAML map from keys to words or lists of words. Values are kept as they are
 * written; the options convert them.
 */
public final class ConfigFile {

    /** Enough for a few hundred address ranges; a message about a value repeats it. */
    private static final int MAX_VALUE = 16 * 1024;
    private static final int MAX_COMPLAINTS = 100;

    private final Map<String, Value> values;

    private ConfigFile(Map<String, Value> values) {
        this.values = values;
    }

    /** The value of one key, and its position as {@code file:line}. */
    record Value(String text, String location) {}

    /** One or more mistakes in the file, one line each, with file and line. */
    public static final class ConfigFileException extends Exception {

        private static final long serialVersionUID = 1L;

        ConfigFileException(String message) {
            super(message);
        }
    }

    /** An empty file. */
    static ConfigFile none() {
        return new ConfigFile(Map.of());
    }

    /** The value of {@code key}; empty for a key without a value. */
    Optional<Value> get(String key) {
        return Optional.ofNullable(values.get(key));
    }

    /**
     * Reads a file.
     *
     * @param settings the settings by key
     */
    static ConfigFile read(Path file, Map<String, Setting> settings) throws ConfigFileException {
        Reader reader = new Reader(file.toString(), settings);
        try {
            reader.document(new YamlReader(InputFile.readToEnd(file, InputFile.SMALL), ReadingBudget.start()).single());
        } catch (NoSuchFileException e) {
            throw new ConfigFileException(file + ": there is no such file");
        } catch (IOException e) {
            throw new ConfigFileException(file + ": cannot be read: " + InputFile.reason(e));
        } catch (YamlException e) {
            throw new ConfigFileException(Excerpt.line(file + ":" + e.line() + ": " + e.getMessage()));
        }
        if (!reader.complaints.isEmpty()) {
            throw new ConfigFileException(String.join("\n", reader.complaints));
        }
        return new ConfigFile(reader.values);
    }

    /** Reads the nodes and collects values and mistakes. */
    private static final class Reader {

        private final String file;
        private final Map<String, Setting> settings;
        private final Map<String, Value> values = new LinkedHashMap<>();
        private final List<String> complaints = new ArrayList<>();

        Reader(String file, Map<String, Setting> settings) {
            this.file = file;
            this.settings = settings;
        }

        void document(YamlNode root) {
            if (root.isNull()) {
                return;
            }
            if (!(root instanceof Mapping map)) {
                complain(root.line(), "is not a map of settings: write one 'key: value' on each line");
                return;
            }
            Set<String> seen = new HashSet<>();
            for (Member entry : map.members()) {
                String key = entry.key().text();
                if (!settings.containsKey(key)) {
                    complain(entry.key().line(), "there is no setting '" + key + "'"
                            + Spelling.didYouMean(key, settings.keySet()));
                } else if (!seen.add(key)) {
                    complain(entry.key().line(), key + " is a duplicate key");
                } else {
                    value(key, settings.get(key), entry.value());
                }
            }
        }

        private void value(String key, @Nullable Setting setting, YamlNode node) {
            boolean list = setting != null && setting.isList();
            String text = null;
            if (node.isNull()) {
                return;
            } else if (node instanceof Scalar scalar) {
                text = scalar.text();
            } else if (node instanceof Sequence sequence && list) {
                if (!sequence.elements().stream().allMatch(item -> item instanceof Scalar && !item.isNull())) {
                    complain(node.line(), key + ": each value of the list has to be one word");
                    return;
                }
                text = sequence.elements().stream().map(item -> ((Scalar) item).text())
                        .collect(Collectors.joining(setting == null ? "" : setting.separator()));
                if (text.isEmpty()) {
                    return;
                }
            }
            if (text == null) {
                complain(node.line(), key + ": is a " + (node instanceof Mapping ? "map" : "list")
                        + ", and has to be one word" + (list ? " or a list of words" : ""));
            } else if (text.length() > MAX_VALUE) {
                complain(node.line(), key + ": is longer than " + MAX_VALUE + " characters");
            } else {
                values.put(key, new Value(text, file + ":" + node.line()));
            }
        }

        private void complain(int line, String message) {
            if (complaints.size() < MAX_COMPLAINTS) {
                complaints.add(Excerpt.line(file + ":" + line + ": " + message));
            }
        }
    }
}
