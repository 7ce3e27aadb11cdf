package io.pgcaravan.skytools;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/** The file that holds the process id of a running job: keeps a second one from starting, and names the process to signal. */
public record PidFile(Path path) {

    /** Clocks of the kernel and of the file system differ by a little. */
    private static final Duration SLACK = Duration.ofSeconds(3);

    private static final int ATTEMPTS = 3;

    /**
     * The process that wrote the file; empty where there is no file, or the process is gone. A process that began after
     * the file was written is another one, which was given the same number.
     */
    public Optional<ProcessHandle> running() throws IOException {
        try {
            long pid = Long.parseLong(Files.readString(path).strip());
            Instant written = Files.getLastModifiedTime(path).toInstant();
            return ProcessHandle.of(pid)
                    .filter(ProcessHandle::isAlive)
                    .filter(process -> !isZombie(pid))
                    // in containers every first process has the same number
                    .filter(process -> pid != ProcessHandle.current().pid())
                    .filter(process -> process.info()
                            .startInstant()
                            .map(begun -> begun.isBefore(written.plus(SLACK)))
                            .orElse(true));
        } catch (NoSuchFileException | NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Whether it has ended but was not reaped: in a container whose first process reaps nothing. */
    private static boolean isZombie(long pid) {
        try {
            String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
            return stat.startsWith(" Z", stat.lastIndexOf(')') + 1);
        } catch (IOException e) {
            // not Linux, or gone meanwhile
            return false;
        }
    }

    /** Whether there is a file, of whatever process. */
    public boolean exists() {
        return Files.exists(path);
    }

    /**
     * Writes this process's id.
     *
     * @return false where another process that runs has the file
     */
    public boolean claim() throws IOException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            if (running().isPresent()) {
                return false;
            }
            Files.deleteIfExists(path);
            try {
                Files.writeString(path, ProcessHandle.current().pid() + "\n", StandardOpenOption.CREATE_NEW);
                return true;
            } catch (FileAlreadyExistsException e) {
                // another process was faster; read its id
            }
        }
        return false;
    }

    /** Removes the file where it is this process's. */
    public void release() {
        try {
            if (Files.readString(path)
                    .strip()
                    .equals(Long.toString(ProcessHandle.current().pid()))) {
                Files.delete(path);
            }
        } catch (IOException e) {
            // it is gone already, or its directory is; the next start finds it stale
        }
    }
}
