package io.pgcaravan.torture;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A small disk of its own, which can be filled; only root can have one. */
final class Disk implements AutoCloseable {

    final Path directory;

    private Disk(Path directory) {
        this.directory = directory;
    }

    /** @return null where it cannot be mounted for this user */
    static Disk mount(int megabytes, String owner) throws Exception {
        Path directory = Files.createTempDirectory("torture-disk-");
        if (!run("mount", "-t", "tmpfs", "-o", "size=" + megabytes + "m", "tmpfs", directory.toString())) {
            Files.delete(directory);
            return null;
        }
        Disk disk = new Disk(directory);
        if (!run("chown", owner, directory.toString())) {
            disk.close();
            return null;
        }
        return disk;
    }

    private static boolean run(String... command) throws Exception {
        return new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor()
                == 0;
    }

    void fill() throws IOException {
        try (OutputStream filler = Files.newOutputStream(directory.resolve("filler"))) {
            while (true) {
                filler.write(new byte[4096]);
            }
        } catch (IOException full) {
            // as it should be
        }
    }

    void free() throws IOException {
        Files.deleteIfExists(directory.resolve("filler"));
    }

    @Override
    public void close() throws Exception {
        // the server may hold a file of it for a moment
        run("umount", "-l", directory.toString());
        Files.delete(directory);
    }
}
