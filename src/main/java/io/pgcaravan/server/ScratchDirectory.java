package io.pgcaravan.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** A temporary directory that goes with all that is in it. */
public record ScratchDirectory(Path path) {

    static ScratchDirectory create(String prefix) throws IOException {
        return new ScratchDirectory(Files.createTempDirectory(prefix));
    }

    /** One that is gone when this program ends, however it does so short of a kill. */
    public static ScratchDirectory untilTheEnd(String prefix) throws IOException {
        ScratchDirectory directory = create(prefix);
        Runtime.getRuntime().addShutdownHook(new Thread(directory::delete, prefix + "end"));
        return directory;
    }

    public void delete() {
        if (!Files.exists(path)) {
            return;
        }
        try (Stream<Path> files = Files.walk(path)) {
            files.sorted(Comparator.reverseOrder())
                    .forEach(file -> file.toFile().delete());
        } catch (IOException e) {
            // what the system's clean-up of temporary files is for
        }
    }
}
