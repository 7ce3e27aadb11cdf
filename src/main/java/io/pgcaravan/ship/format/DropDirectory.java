package io.pgcaravan.ship.format;

import io.pgcaravan.ship.format.Manifest.FileSum;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.UUID;

/**
 * The directory in which the sets of one target lie. This type alone knows where files are, what they are called while they
 * are being written, and in which order they become visible: data files first, {@code .done} last, each under a temporary name
 * until it is on disk for good.
 *
 * <p>Whatever lies here may come from anybody: links are never followed, and only regular files are opened.
 */
public final class DropDirectory {

    private final Path path;
    private final FailedFiles failed;

    public DropDirectory(Path path) {
        this.path = path.toAbsolutePath().normalize();
        failed = new FailedFiles(this);
    }

    public Path path() {
        return path;
    }

    public FailedFiles failed() {
        return failed;
    }

    /** @throws ChangeSetException where it is missing, no directory, or not ours to write to */
    public void mustTakeFiles() {
        if (!Files.exists(path)) {
            throw new ChangeSetException(
                    "the drop directory " + path + " is missing: make it (or mount what it is on)");
        }
        if (!Files.isDirectory(path)) {
            throw new ChangeSetException("the drop directory " + path + " must be a directory");
        }
        if (!Files.isWritable(path)) {
            throw new ChangeSetException("the drop directory " + path + " cannot be written to by this user");
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }

    private Path file(Manifest set, SetPart part) {
        return path.resolve(set.file(part).name());
    }

    private Path done(SetName set) {
        return path.resolve(set.file(SetPart.DONE));
    }

    private Path temporary(Manifest set, SetPart part) {
        return temporary(set.name().file(part, set.compression()), set.setId());
    }

    private Path temporary(String name, UUID id) {
        return path.resolve("." + name + "." + id + ".tmp");
    }

    // ---- the side that writes sets

    /** Opens a file of a set under its temporary name. */
    public SetFile create(SetName set, UUID setId, SetPart part, Compression compression) throws IOException {
        String name = set.file(part, compression);
        return new SetFile(temporary(name, setId), name, part.compressible() ? compression : Compression.NONE);
    }

    /** Deletes every temporary file of a set, whichever set id wrote it. */
    public void discard(SetName set) throws IOException {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path)) {
            for (Path file : files) {
                String name = file.getFileName().toString();
                if (name.startsWith("." + set.base() + ".") && name.endsWith(".tmp")) {
                    Files.deleteIfExists(file);
                }
            }
        }
    }

    /** @throws ChangeSetException where a file has the name of one of the set's files */
    public void mustBeFree(SetName set) {
        for (String name : set.files()) {
            if (Files.exists(path.resolve(name), LinkOption.NOFOLLOW_LINKS)) {
                throw new ChangeSetException(path.resolve(name) + " is in the way of " + set
                        + ": move it away if nothing needs it; the next export writes the set");
            }
        }
    }

    /** @throws ChangeSetException where sets for another target lie here */
    public void mustBeOnlyFor(Target target) throws IOException {
        for (SetName set : markers(SetPart.DONE)) {
            try {
                Manifest manifest = manifest(set);
                if (manifest != null && !manifest.target().equals(target)) {
                    throw new ChangeSetException(path + " has sets for " + manifest.target() + " ("
                            + set.file(SetPart.DONE) + "): give " + target + " a drop directory of its own");
                }
            } catch (MalformedException e) {
                // the import says so
            }
        }
    }

    /** Whether all data files of a written set are still here, published or not, with the bytes that its manifest names. */
    public boolean hasBytes(Manifest set) throws IOException {
        for (SetPart part : SetPart.DATA) {
            if (!holds(temporary(set, part), set.file(part)) && !holds(set, part)) {
                return false;
            }
        }
        return true;
    }

    /** Whether the {@code .done} of this very set is in place: then it was published, even if the other files are gone. */
    public boolean isPublished(Manifest set) throws IOException {
        Path done = done(set.name());
        return Files.isRegularFile(done, LinkOption.NOFOLLOW_LINKS)
                && Files.readString(done).equals(set.toJson());
    }

    /**
     * Gives the files of a written set their names, {@code .done} last. What is in place already stays, but for the marker of a
     * former sending, which must not stand for files that change under it.
     */
    public void publish(Manifest set) throws IOException {
        withdraw(set.name());
        for (SetPart part : SetPart.DATA) {
            Path temporary = temporary(set, part);
            if (Files.exists(temporary, LinkOption.NOFOLLOW_LINKS)) {
                Durable.rename(temporary, file(set, part));
            }
        }
        Durable.sync(path);
        Durable.write(temporary(set, SetPart.DONE), done(set.name()), set.toJson());
    }

    // ---- the side that reads sets

    /** The sets whose {@code .done} (or {@code .ack}) is here, by table and number. Names that are none of ours are passed over. */
    public List<SetName> markers(SetPart part) throws IOException {
        List<SetName> sets = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path, "*" + part.suffix())) {
            for (Path file : files) {
                SetName set = SetName.parse(file.getFileName().toString(), part);
                if (set != null) {
                    sets.add(set);
                }
            }
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        }
        Collections.sort(sets);
        return sets;
    }

    /**
     * What a set's marker says.
     *
     * @return null where it has gone meanwhile
     */
    public Manifest manifest(SetName set) throws IOException, MalformedException {
        byte[] bytes = marker(set, SetPart.DONE);
        return bytes == null ? null : Manifest.read(set, bytes);
    }

    /** What the marker of a group's member says, null where there is none. */
    public Manifest manifest(Manifest.Member member) throws IOException, MalformedException {
        Manifest manifest = manifest(member.set());
        return manifest == null ? manifest(SetName.former(member.table(), member.number())) : manifest;
    }

    /** The bytes of a small file, null where there is none. */
    byte[] marker(SetName set, SetPart part) throws IOException, MalformedException {
        try (SeekableByteChannel channel = open(path.resolve(set.file(part)))) {
            // one more than is read of it
            return Channels.newInputStream(channel).readNBytes(StrictJson.MOST_BYTES + 1);
        } catch (NoSuchFileException e) {
            return null;
        } catch (UnsafeFileException e) {
            throw new MalformedException(e.getMessage());
        }
    }

    /** Something that is no regular file. */
    public static final class UnsafeFileException extends IOException {
        private static final long serialVersionUID = 1L;

        UnsafeFileException(String message) {
            super(message);
        }
    }

    /** A set's file, never one that a link leads to, nor one that would make the reader wait. */
    public static SeekableByteChannel open(Path file) throws IOException {
        BasicFileAttributes attributes =
                Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isRegularFile()) {
            throw new UnsafeFileException(
                    attributes.isSymbolicLink()
                            ? "is a symbolic link, which is not followed"
                            : "is not a regular file");
        }
        return Files.newByteChannel(file, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
    }

    /** A data file of a set, opened once: what was hashed is what is read. */
    public SeekableByteChannel open(Manifest set, SetPart part) throws IOException {
        return open(file(set, part));
    }

    /** Whether a data file is here with the very bytes that its manifest names. */
    public boolean holds(Manifest set, SetPart part) throws IOException {
        return holds(file(set, part), set.file(part));
    }

    static boolean holds(Path file, FileSum sum) throws IOException {
        try (SeekableByteChannel channel = open(file)) {
            return channel.size() == sum.bytes() && hash(channel).equals(sum.sha256());
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    /** The SHA-256 of a file from its start, which it is put back to. */
    public static String hash(SeekableByteChannel channel) throws IOException {
        MessageDigest digest = Sha256.digest();
        ByteBuffer buffer = ByteBuffer.allocate(1 << 17);
        channel.position(0);
        while (channel.read(buffer) >= 0) {
            digest.update(buffer.flip());
            buffer.clear();
        }
        channel.position(0);
        return HexFormat.of().formatHex(digest.digest());
    }

    // ---- sets that are fetched from elsewhere, file by file

    private Path fetched(SetName set) {
        return path.resolve("." + set.file(SetPart.DONE) + ".fetched");
    }

    /** Keeps a marker out of sight until its data files are here. */
    public void keepMarker(SetName set, byte[] marker) throws IOException {
        Files.write(fetched(set), marker);
    }

    /** The marker that is kept out of sight, null where there is none. */
    public Manifest keptMarker(SetName set) throws IOException, MalformedException {
        try {
            return Manifest.read(set, Files.readAllBytes(fetched(set)));
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    /** Takes a set's marker away, so that its files may change. */
    public void withdraw(SetName set) throws IOException {
        Durable.mustNotBeDirectory(done(set));
        if (Files.deleteIfExists(done(set))) {
            Durable.sync(path);
        }
    }

    /** Makes a set visible whose data files are here already under their names. */
    public void publishFetched(Manifest set) throws IOException {
        for (SetPart part : SetPart.DATA) {
            Durable.sync(file(set, part));
        }
        Durable.sync(path);
        Durable.sync(fetched(set.name()));
        Durable.rename(fetched(set.name()), done(set.name()));
        Durable.sync(path);
    }

    /** Whether this set is here already, or was found damaged, with this very marker; or was applied, whatever its marker. */
    public boolean hasSeen(Manifest set) throws IOException {
        Manifest applied = below("done", set);
        return set.equals(below("", set))
                || set.equals(below("failed", set))
                || applied != null && applied.setId().equals(set.setId());
    }

    private Manifest below(String below, Manifest set) throws IOException {
        try {
            return new DropDirectory(path.resolve(below)).manifest(set.name());
        } catch (MalformedException e) {
            return null;
        }
    }

    // ---- where sets go when they are done with

    /** Moves a set's files to {@code done/}, its marker last: until that has moved, the set is looked at again. */
    public void done(SetName set, String acknowledgement) throws IOException {
        String ack = set.file(SetPart.ACK);
        // another import may write the same file
        Path temporary = temporary(ack, UUID.randomUUID());
        try {
            Durable.write(temporary, path.resolve(ack), acknowledgement);
        } finally {
            Files.deleteIfExists(temporary);
        }
        failed.forget(set);
        move(set, path.resolve("done"));
    }

    void move(SetName set, Path directory) throws IOException {
        Durable.directory(directory);
        for (String name : set.files()) {
            if (name.endsWith(SetPart.DONE.suffix())) {
                Durable.sync(directory);
            }
            move(name, directory);
        }
        Durable.sync(directory);
        Durable.sync(path);
    }

    void move(String name, Path directory) throws IOException {
        try {
            Durable.rename(path.resolve(name), directory.resolve(name));
        } catch (NoSuchFileException e) {
            // was moved before a crash, or never came
        }
    }

    void deleteAck(SetName set) throws IOException {
        Files.deleteIfExists(path.resolve(set.file(SetPart.ACK)));
    }
}
