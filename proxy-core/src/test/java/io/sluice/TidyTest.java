package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.AnnotationTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LineMap;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The habits of CONTRIBUTING.md that can be counted, in the sources of all modules, which javac reads for it. */
class TidyTest {

    private static final int LONGEST_METHOD_LINES = 70;
    private static final int LONGEST_FILE_LINES = 600;

    private static final Set<String> TESTS = Set.of("Test", "ParameterizedTest", "RepeatedTest", "TestFactory",
            "TestTemplate", "EachTransport");
    private static final Pattern SENTENCE = Pattern.compile("[a-z0-9]+(_[a-z0-9]+)+");

    /** A declared method. */
    private record Method(Path file, String name, long lines, Set<String> annotations) {
        @Override
        public String toString() {
            return file.getFileName() + ": " + name + ", " + lines + " lines";
        }
    }

    private static final List<Path> FILES = new ArrayList<>();
    private static final List<Method> METHODS = new ArrayList<>();
    /** Simple names of top-level classes of main code. */
    private static final List<String> MAIN_CLASSES = new ArrayList<>();

    @BeforeAll
    static void read() throws IOException {
        Files.walkFileTree(Path.of(".."), new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
                return directory.endsWith("target") || directory.endsWith(".git")
                        ? FileVisitResult.SKIP_SUBTREE
                        : FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                if (file.toString().endsWith(".java")) {
                    FILES.add(file);
                }
                return FileVisitResult.CONTINUE;
            }
        });
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
            JavacTask task = (JavacTask) compiler.getTask(null, files, null, List.of("-proc:none"), null,
                    files.getJavaFileObjectsFromPaths(FILES));
            SourcePositions positions = Trees.instance(task).getSourcePositions();
            for (CompilationUnitTree unit : task.parse()) {
                new Reader(unit, positions).scan(unit, null);
            }
        }
        assertThat(FILES).hasSizeGreaterThan(500);
        assertThat(METHODS).hasSizeGreaterThan(3_000);
    }

    /** Takes out of one file what the tests ask for. */
    private static final class Reader extends TreeScanner<Void, Void> {

        private final CompilationUnitTree unit;
        private final SourcePositions positions;
        private final Path file;

        Reader(CompilationUnitTree unit, SourcePositions positions) {
            this.unit = unit;
            this.positions = positions;
            this.file = Path.of(unit.getSourceFile().toUri());
        }

        @Override
        public Void visitCompilationUnit(CompilationUnitTree tree, Void unused) {
            if (file.toString().contains("/src/main/")) {
                tree.getTypeDecls().stream().filter(ClassTree.class::isInstance)
                        .forEach(type -> MAIN_CLASSES.add(((ClassTree) type).getSimpleName().toString()));
            }
            return super.visitCompilationUnit(tree, null);
        }

        @Override
        public Void visitMethod(MethodTree method, Void unused) {
            Set<String> annotations = new HashSet<>();
            for (AnnotationTree annotation : method.getModifiers().getAnnotations()) {
                annotations.add(annotation.getAnnotationType().toString());
            }
            METHODS.add(new Method(file, method.getName().toString(),
                    method.getBody() == null ? 0 : lines(method.getBody()), annotations));
            return super.visitMethod(method, null);
        }

        /** From the line of the first brace to that of the last, both counted. */
        private long lines(Tree body) {
            LineMap map = unit.getLineMap();
            return map.getLineNumber(positions.getEndPosition(unit, body) - 1)
                    - map.getLineNumber(positions.getStartPosition(unit, body)) + 1;
        }
    }

    @Test
    void a_method_is_at_most_70_lines_long() {
        assertThat(METHODS).filteredOn(method -> method.lines() > LONGEST_METHOD_LINES).isEmpty();
    }

    @Test
    void a_file_is_at_most_600_lines_long() throws IOException {
        List<String> tooLong = new ArrayList<>();
        for (Path file : FILES) {
            int lines = Files.readAllLines(file).size();
            if (lines > LONGEST_FILE_LINES) {
                tooLong.add(file + ": " + lines + " lines");
            }
        }

        assertThat(tooLong).isEmpty();
    }

    @Test
    void the_name_of_a_test_is_a_sentence_in_lower_case_with_underscores() {
        List<Method> tests =
                METHODS.stream().filter(method -> method.annotations().stream().anyMatch(TESTS::contains)).toList();

        assertThat(tests).hasSizeGreaterThan(900)
                .filteredOn(test -> !SENTENCE.matcher(test.name()).matches()).isEmpty();
    }

    @Test
    void no_two_classes_of_main_code_have_the_same_simple_name() {
        assertThat(MAIN_CLASSES).hasSizeGreaterThan(300).doesNotHaveDuplicates();
    }
}
