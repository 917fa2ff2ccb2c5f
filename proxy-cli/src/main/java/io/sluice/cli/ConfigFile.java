package io.sluice.cli;

import io.sluice.source.Spelling;
import io.sluice.text.Printable;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.schema.CoreSchema;

/**
 * The daemon's configuration file: a YAML map from keys to words or lists of words. Values are kept as they are
 * written; what they mean is up to the options.
 */
final class ConfigFile {

    private final Map<String, Value> values;

    private ConfigFile(Map<String, Value> values) {
        this.values = values;
    }

    /** What one key is given, and where it is written as {@code file:line}. */
    record Value(String text, String location) {}

    /** One or more complaints for the author of the file, one line each, each with file and line. */
    static final class ConfigFileException extends Exception {

        private static final long serialVersionUID = 1L;

        ConfigFileException(String message) {
            super(message);
        }
    }

    /** An empty file. */
    static ConfigFile none() {
        return new ConfigFile(Map.of());
    }

    /** What the file says for {@code key}; nothing for a key without a value. */
    Optional<Value> get(String key) {
        return Optional.ofNullable(values.get(key));
    }

    /**
     * Reads a file.
     *
     * @param settings what may be set, by key
     */
    static ConfigFile read(Path file, Map<String, Setting> settings) throws ConfigFileException {
        Reader reader = new Reader(file.toString(), settings);
        try {
            new Compose(LoadSettings.builder().setLabel(file.toString()).setSchema(new CoreSchema()).build())
                    .composeString(Files.readString(file)).ifPresent(reader::document);
        } catch (NoSuchFileException e) {
            throw new ConfigFileException(file + ": there is no such file");
        } catch (CharacterCodingException e) {
            throw new ConfigFileException(file + ": is not UTF-8 text");
        } catch (IOException e) {
            throw new ConfigFileException(file + ": cannot be read: " + e.getMessage());
        } catch (MarkedYamlEngineException e) {
            throw new ConfigFileException(
                    reader.at(e.getProblemMark().or(e::getContextMark)) + ": is not YAML: " + e.getProblem());
        } catch (YamlEngineException e) {
            throw new ConfigFileException(file + ": is not YAML: " + String.valueOf(e.getMessage()).lines().findFirst()
                    .orElse(""));
        }
        if (!reader.complaints.isEmpty()) {
            throw new ConfigFileException(String.join("\n", reader.complaints));
        }
        return new ConfigFile(reader.values);
    }

    /** Walks over the nodes and collects values and complaints. */
    private static final class Reader {

        private final String file;
        private final Map<String, Setting> settings;
        private final Map<String, Value> values = new LinkedHashMap<>();
        private final List<String> complaints = new ArrayList<>();

        Reader(String file, Map<String, Setting> settings) {
            this.file = file;
            this.settings = settings;
        }

        String at(Optional<Mark> mark) {
            return file + mark.map(m -> ":" + (m.getLine() + 1)).orElse("");
        }

        void document(Node root) {
            if (isNull(root)) {
                return;
            }
            if (!(root instanceof MappingNode map)) {
                complain(root, "is not a map of settings: write one 'key: value' on each line");
                return;
            }
            List<String> seen = new ArrayList<>();
            for (NodeTuple entry : map.getValue()) {
                String key = entry.getKeyNode() instanceof ScalarNode scalar ? scalar.getValue() : null;
                if (key == null) {
                    complain(entry.getKeyNode(), "a key has to be one word");
                } else if (!settings.containsKey(key)) {
                    complain(entry.getKeyNode(), "there is no setting '" + key + "'"
                            + Spelling.didYouMean(key, settings.keySet()));
                } else if (seen.contains(key)) {
                    complain(entry.getKeyNode(), key + " stands here a second time");
                } else {
                    seen.add(key);
                    value(key, settings.get(key), entry.getValueNode());
                }
            }
        }

        private void value(String key, @Nullable Setting setting, Node node) {
            boolean list = setting != null && setting.isList();
            String text = null;
            if (isNull(node)) {
                return;
            } else if (node instanceof ScalarNode scalar) {
                text = scalar.getValue();
            } else if (node instanceof SequenceNode sequence && list) {
                if (!sequence.getValue().stream().allMatch(item -> item instanceof ScalarNode && !isNull(item))) {
                    complain(node, key + ": each value of the list has to be one word");
                    return;
                }
                text = sequence.getValue().stream().map(item -> ((ScalarNode) item).getValue())
                        .collect(Collectors.joining(setting == null ? "" : setting.separator()));
                if (text.isEmpty()) {
                    return;
                }
            }
            if (text == null) {
                complain(node, key + ": is a " + (node instanceof MappingNode ? "map" : "list") + ", and has to be one "
                        + "word" + (list ? " or a list of words" : ""));
                return;
            }
            values.put(key, new Value(text, at(node.getStartMark())));
        }

        private void complain(Node node, String message) {
            complaints.add(Printable.of(at(node.getStartMark()) + ": " + message));
        }

        private static boolean isNull(Node node) {
            return node.getTag().equals(Tag.NULL);
        }
    }
}
