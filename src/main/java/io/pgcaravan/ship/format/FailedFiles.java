package io.pgcaravan.ship.format;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** The directory {@code failed/} of a drop directory: files that are not what their sets say, each set with an {@code .error}. */
public final class FailedFiles {

    private final DropDirectory drop;
    private final Path failed;

    /** Files that were found to be wrong, and how they were then: a large one is not read again and again. */
    private final Map<Path, String> wrong = new ConcurrentHashMap<>();

    FailedFiles(DropDirectory drop) {
        this.drop = drop;
        failed = drop.path().resolve("failed");
    }

    private Path error(SetName set) {
        return failed.resolve(set.base() + ".error");
    }

    /** Moves all files of a set here, and says why: only another {@code .done} can make this set right. */
    public void take(SetName set, String why) throws IOException {
        drop.move(set, failed);
        explain(set, why);
    }

    /** Moves one file of a set here, and says why. The others wait for the right one. */
    public void take(Manifest set, SetPart part, String why) throws IOException {
        Durable.directory(failed);
        drop.move(set.file(part).name(), failed);
        Durable.sync(drop.path());
        explain(set.name(), why);
    }

    private void explain(SetName set, String why) throws IOException {
        // another import may write the same file
        Path temporary = failed.resolve("." + set.base() + "." + UUID.randomUUID() + ".tmp");
        try {
            Durable.write(temporary, error(set), why + "\n");
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    /**
     * Gives a file back that is what the set's {@code .done} says: it was judged by another {@code .done}, or came while it was
     * written.
     *
     * @return whether there was one
     */
    public boolean giveBack(Manifest set, SetPart part) throws IOException {
        Path file = failed.resolve(set.file(part).name());
        if (!Files.isDirectory(failed, LinkOption.NOFOLLOW_LINKS)
                || !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        String looked =
                set.file(part).sha256() + Files.size(file) + Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS);
        if (looked.equals(wrong.get(file)) || !DropDirectory.holds(file, set.file(part))) {
            wrong.put(file, looked);
            return false;
        }
        Durable.rename(file, drop.path().resolve(file.getFileName()));
        Durable.sync(failed);
        Durable.sync(drop.path());
        return true;
    }

    /** Whether a file of that name is here. */
    public boolean has(Manifest set, SetPart part) {
        return Files.exists(failed.resolve(set.file(part).name()), LinkOption.NOFOLLOW_LINKS);
    }

    /** Deletes what a set has left, once it is in its table. */
    public void forget(SetName set) throws IOException {
        if (!Files.isDirectory(failed, LinkOption.NOFOLLOW_LINKS) || Files.notExists(error(set))) {
            return;
        }
        for (String file : set.files()) {
            Path left = failed.resolve(file);
            if (!Files.isDirectory(left, LinkOption.NOFOLLOW_LINKS)) {
                Files.deleteIfExists(left);
                wrong.remove(left);
            }
        }
        Files.deleteIfExists(error(set));
    }
}
