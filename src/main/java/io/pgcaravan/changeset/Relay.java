package io.pgcaravan.changeset;

import io.pgcaravan.changeset.Manifest.MalformedException;
import io.pgcaravan.changeset.SetName.Part;
import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;

/** The files of one set on their way through a drop directory, where no database is near. */
public final class Relay {

    private static final List<Part> DATA = List.of(Part.COLUMNS, Part.IDS, Part.RECORDS);

    private final DropDirectory directory;

    public Relay(DropDirectory directory) {
        this.directory = directory;
    }

    /**
     * The files of a set that is all here, in the order in which they have to arrive: the marker last.
     *
     * @throws ChangeSetException where one is missing, short or longer than the marker says
     */
    public List<Path> files(SetName set) {
        try {
            Manifest manifest = directory.manifest(set);
            if (manifest == null) {
                throw new ChangeSetException(set.file(Part.DONE) + " has gone meanwhile");
            }
            List<Path> files = new ArrayList<>();
            for (Part part : DATA) {
                String name = set.file(part, manifest.compression());
                long size;
                try (SeekableByteChannel channel = directory.open(manifest, part)) {
                    size = channel.size();
                } catch (NoSuchFileException e) {
                    throw new ChangeSetException("it waits for " + name, e);
                }
                long bytes = manifest.file(part).bytes();
                if (size < bytes) {
                    throw new ChangeSetException("it waits for the rest of " + name + ", of which " + size + " of "
                            + bytes + " bytes are here");
                }
                if (size > bytes) {
                    throw new ChangeSetException(name + " has " + size + " bytes, and its .done says " + bytes
                            + ": have the set sent again");
                }
                files.add(directory.path().resolve(name));
            }
            files.add(directory.path().resolve(set.file(Part.DONE)));
            return files;
        } catch (MalformedException e) {
            throw new ChangeSetException(set.file(Part.DONE) + " is refused: it " + e.getMessage(), e);
        } catch (IOException e) {
            throw new ChangeSetException("its files cannot be read: " + Exporter.reason(e), e);
        }
    }

    /**
     * Takes a set's files out of the way. The marker goes first: a set without one is not looked at again.
     *
     * @param below the name of a directory in this one; empty to delete them
     */
    public void sent(SetName set, String below) {
        try {
            Path to = below.isEmpty() ? null : directory.path().resolve(below);
            if (to != null && !Files.isDirectory(to, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(to);
            }
            leave(set.file(Part.DONE), to);
            for (Part part : DATA) {
                for (Compression compression :
                        part.compressible() ? Compression.values() : new Compression[] {Compression.NONE}) {
                    leave(set.file(part, compression), to);
                }
            }
        } catch (IOException e) {
            throw new ChangeSetException("its files cannot leave " + directory + ": " + Exporter.reason(e), e);
        }
    }

    private void leave(String name, Path to) throws IOException {
        Path file = directory.path().resolve(name);
        if (to == null) {
            Files.deleteIfExists(file);
        } else if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
            Files.move(file, to.resolve(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
