import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassHierarchyResolver;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/**
 * Gives the classes of a jar, in place, the class file version of Java 8 if they are older. A Java that keeps what it has
 * learned of classes (JEP 483) leaves those out that are older than Java 6, because they tell nothing of their stack
 * (JVMS §4.10.2); they are read, checked and linked again at each start. What the classes do stays the same.
 *
 * <p>{@code java UpgradeClassFiles.java JAR}
 */
public final class UpgradeClassFiles {

    private static final int WITH_STACK_MAPS = ClassFile.JAVA_6_VERSION;

    private UpgradeClassFiles() {}

    public static void main(String[] args) throws IOException {
        Path jar = Path.of(args[0]);
        Path upgraded = Path.of(jar + ".new");
        try (ZipFile from = new ZipFile(jar.toFile());
                URLClassLoader classes = new URLClassLoader(new URL[] {jar.toUri().toURL()});
                OutputStream file = Files.newOutputStream(upgraded);
                ZipOutputStream to = new ZipOutputStream(file)) {
            ClassFile classFile = ClassFile.of(ClassFile.StackMapsOption.GENERATE_STACK_MAPS,
                    ClassFile.ConstantPoolSharingOption.NEW_POOL,
                    ClassFile.ClassHierarchyResolverOption.of(ClassHierarchyResolver.ofResourceParsing(classes)
                            .orElse(ClassHierarchyResolver.defaultResolver())));
            List<? extends ZipEntry> entries = from.stream().toList();
            for (ZipEntry entry : entries) {
                try (InputStream in = from.getInputStream(entry)) {
                    ZipEntry copy = new ZipEntry(entry.getName());
                    copy.setTime(entry.getTime());
                    to.putNextEntry(copy);
                    byte[] bytes = in.readAllBytes();
                    to.write(entry.getName().endsWith(".class") ? upgraded(bytes, classFile) : bytes);
                    to.closeEntry();
                }
            }
        }
        Files.move(upgraded, jar, StandardCopyOption.REPLACE_EXISTING);
    }

    private static byte[] upgraded(byte[] bytes, ClassFile classFile) {
        ClassModel old = classFile.parse(bytes);
        if (old.majorVersion() >= WITH_STACK_MAPS) {
            return bytes;
        }
        // Code that goes through a transformation is written again, with stack maps.
        return classFile.transformClass(old,
                ClassTransform.transformingMethodBodies((code, element) -> code.with(element))
                        .andThen(ClassTransform.endHandler(type -> type.withVersion(ClassFile.JAVA_8_VERSION, 0))));
    }
}
