package io.pgcaravan.ship.relay;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.IncompleteSetException;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Manifest.FileSum;
import io.pgcaravan.ship.format.SetName;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.ship.format.UnfinishedException;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The files of one set on their way out of a drop directory or into one, where no database is near. Out: {@link #outgoing}, and
 * when they are elsewhere, {@link #sent}. In: {@link #missing}, and when those files are here, {@link #received}.
 */
public final class Relay {

    private static final String AGAIN = ".again";

    private final DropDirectory directory;

    public Relay(DropDirectory directory) {
        this.directory = directory;
    }

    // ---- out

    /**
     * What is to be sent of a set.
     *
     * @param files in the order in which they have to arrive, the marker last
     */
    public record Outgoing(Manifest manifest, List<Path> files) {}

    /**
     * The files of a set that is all here. Where the set was sent before, an empty marker comes first: on the far side that takes
     * the place of the former one, which must not stand for files that change under it.
     *
     * @param sentBelow where {@link #sent} puts sets
     * @throws IncompleteSetException where something of it is not here yet
     * @throws ChangeSetException where it is not what its marker says
     */
    public Outgoing outgoing(SetName set, String sentBelow) {
        return doing("its files cannot be read", () -> {
            Manifest manifest = manifest(set);
            List<Path> files = new ArrayList<>();
            if (!sentBelow.isEmpty()
                    && Files.exists(directory.path().resolve(sentBelow).resolve(set.file(SetPart.DONE)))) {
                files.add(emptyMarker(set));
            }
            mustBeWhole(manifest);
            manifest.fileNames().forEach(name -> files.add(directory.path().resolve(name)));
            return new Outgoing(manifest, files);
        });
    }

    private Manifest manifest(SetName set) throws IOException {
        Manifest manifest = read(set, () -> directory.manifest(set));
        if (manifest == null) {
            throw new IncompleteSetException(set.file(SetPart.DONE) + " has gone meanwhile");
        }
        return manifest;
    }

    private Path emptyMarker(SetName set) throws IOException {
        return Files.write(directory(AGAIN).resolve(set.file(SetPart.DONE)), new byte[0]);
    }

    private Path directory(String name) throws IOException {
        Path below = directory.path().resolve(name);
        if (!Files.isDirectory(below, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectory(below);
        }
        return below;
    }

    private void mustBeWhole(Manifest manifest) throws IOException {
        for (SetPart part : SetPart.DATA) {
            FileSum sum = manifest.file(part);
            long size;
            try (SeekableByteChannel channel = directory.open(manifest, part)) {
                size = channel.size();
            } catch (NoSuchFileException e) {
                throw new IncompleteSetException("it waits for " + sum.name());
            }
            if (size < sum.bytes()) {
                throw new IncompleteSetException(sum.waitsForRest(size));
            }
            if (size > sum.bytes()) {
                throw new ChangeSetException(sum.isLonger(size) + ": have the set sent again (caravan export --again)");
            }
        }
    }

    /**
     * Takes a set's files out of the way. The marker goes first: a set without one is not looked at again.
     *
     * @param sent what has been sent, null where that is not known; where another set of that name is here by now, it stays
     * @param below the name of a directory in this one; empty to delete them
     * @param suffix what the names of the files here have behind those of the set, such as {@code .pgp}; mostly empty
     */
    public void sent(SetName set, Manifest sent, String below, String suffix) {
        doing("its files cannot leave " + directory, () -> {
            if (sent != null && !sent.equals(manifest(set))) {
                throw new IncompleteSetException("it was published again while it was sent");
            }
            Path to = below.isEmpty() ? null : directory(below);
            List<String> names = set.files();
            Collections.reverse(names);
            for (String name : names) {
                leave(name + suffix, to);
            }
            Files.deleteIfExists(directory.path().resolve(AGAIN).resolve(set.file(SetPart.DONE)));
            return null;
        });
    }

    private void leave(String name, Path to) throws IOException {
        Path file = directory.path().resolve(name);
        if (to == null) {
            Files.deleteIfExists(file);
        } else if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            Files.move(file, to.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    // ---- in

    /**
     * What is to be fetched of a set.
     *
     * @param missing names of data files; none where the set is here already, or has been
     */
    public record Incoming(Manifest manifest, List<String> missing) {

        /** The names of all of its files, the marker last. */
        public List<String> names() {
            return manifest.fileNames();
        }
    }

    /**
     * The names of the data files of a set that are not here yet, with the very bytes that its marker names. The marker is kept
     * out of sight until {@link #received}.
     *
     * @param marker what the marker says; it comes from elsewhere
     */
    public Incoming missing(SetName set, byte[] marker) {
        return doing("its files cannot be fetched into " + directory, () -> {
            directory.mustTakeFiles();
            Manifest manifest = read(set, () -> Manifest.read(set, marker));
            List<String> missing = new ArrayList<>();
            if (directory.hasSeen(manifest)) {
                return new Incoming(manifest, missing);
            }
            directory.withdraw(set);
            directory.keepMarker(set, marker);
            for (SetPart part : SetPart.DATA) {
                if (!directory.holds(manifest, part)) {
                    missing.add(manifest.file(part).name());
                }
            }
            return new Incoming(manifest, missing);
        });
    }

    /**
     * Makes a set visible whose data files are here by now.
     *
     * @return false where it is here already, or has been
     * @throws IncompleteSetException where a file is missing or short
     * @throws ChangeSetException where a file has other bytes than the marker says
     */
    public boolean received(SetName set) {
        return doing("its files cannot be fetched into " + directory, () -> {
            Manifest manifest = read(set, () -> directory.keptMarker(set));
            if (manifest == null) {
                return false;
            }
            mustBeWhole(manifest);
            for (SetPart part : SetPart.DATA) {
                if (!directory.holds(manifest, part)) {
                    throw new ChangeSetException(manifest.file(part).name()
                            + " has other bytes than its .done says: it was damaged on its way, or the set is being sent"
                            + " again; if this goes on, caravan export --again publishes it once more");
                }
            }
            directory.publishFetched(manifest);
            return true;
        });
    }

    // ---- both

    private interface Step<T> {
        T run() throws IOException;
    }

    private static <T> T doing(String what, Step<T> step) {
        try {
            return step.run();
        } catch (IOException e) {
            throw new ChangeSetException(what + ": " + ChangeSetException.reason(e), e);
        }
    }

    private interface Reading {
        Manifest read() throws IOException, MalformedException;
    }

    private static Manifest read(SetName set, Reading reading) throws IOException {
        try {
            return reading.read();
        } catch (UnfinishedException e) {
            throw new IncompleteSetException("it waits for the rest of " + set.file(SetPart.DONE));
        } catch (MalformedException e) {
            throw new ChangeSetException(set.file(SetPart.DONE) + " is refused: it " + e.getMessage(), e);
        }
    }
}
