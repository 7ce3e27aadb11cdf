package io.pgcaravan.ship.format;

import io.pgcaravan.ship.format.Manifest.FileSum;
import io.pgcaravan.ship.format.SetName.Part;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The directory in which the sets of one target lie. This type alone knows where files are, what they are called while they
 * are being written, and in which order they become visible: data files first, {@code .done} last, each under a temporary name
 * until it is on disk for good.
 *
 * <p>Whatever lies here may come from anybody: links are never followed, and only regular files are opened.
 */
public final class DropDirectory {

    private static final List<Part> DATA = List.of(Part.COLUMNS, Part.IDS, Part.RECORDS);

    private static final Compression[] ONLY_PLAIN = {Compression.NONE};

    private static final String FAILED = "failed";

    private static final String ERROR = ".error";

    private final Path path;

    /** Files in {@code failed/} that were found to be wrong, and how they were then. */
    private final Map<Path, String> wrong = new ConcurrentHashMap<>();

    public DropDirectory(Path path) {
        this.path = path.toAbsolutePath().normalize();
    }

    public Path path() {
        return path;
    }

    /** @throws ChangeSetException where it is missing, no directory, or not ours to write to */
    public void mustTakeFiles() {
        if (!Files.exists(path)) {
            throw new ChangeSetException(
                    "the drop directory " + path + " is missing: make it (or mount what it is on)");
        }
        if (!Files.isDirectory(path)) {
            throw new ChangeSetException(path + " is no directory, so that no files can be dropped there");
        }
        if (!Files.isWritable(path)) {
            throw new ChangeSetException("the drop directory " + path + " cannot be written to by this user");
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }

    // ---- the side that writes sets

    private Path temporary(SetName set, UUID setId, Part part, Compression compression) {
        return path.resolve("." + set.file(part, compression) + "." + setId + ".tmp");
    }

    /** Opens a file of a set under its temporary name. */
    public SetFile create(SetName set, UUID setId, Part part, Compression compression) throws IOException {
        return new SetFile(
                temporary(set, setId, part, compression), part.compressible() ? compression : Compression.NONE);
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
        for (Compression compression : Compression.values()) {
            for (Part part : List.of(Part.COLUMNS, Part.IDS, Part.RECORDS, Part.DONE)) {
                Path file = path.resolve(set.file(part, compression));
                if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
                    throw new ChangeSetException(file + " is in the way of " + set
                            + ": move it away if nothing needs it; the next export writes the set");
                }
            }
        }
    }

    /** @throws ChangeSetException where sets for another target lie here */
    public void mustBeOnlyFor(Target target) throws IOException {
        for (SetName set : markers(Part.DONE)) {
            try {
                Manifest manifest = manifest(set);
                if (manifest != null && !manifest.target().equals(target)) {
                    throw new ChangeSetException(path + " has sets for " + manifest.target() + " ("
                            + set.file(Part.DONE) + "): give " + target + " a drop directory of its own");
                }
            } catch (MalformedException e) {
                // the import says so
            }
        }
    }

    /** Where the very bytes of a written set are. */
    public enum Bytes {
        HERE,
        GONE
    }

    /** Whether all data files of a written set are still here with the bytes that its manifest names. */
    public Bytes bytes(Manifest manifest) throws IOException {
        for (Part part : DATA) {
            Path temporary = temporary(manifest.name(), manifest.setId(), part, manifest.compression());
            if (!holds(temporary, manifest.file(part)) && !holds(published(manifest, part), manifest.file(part))) {
                return Bytes.GONE;
            }
        }
        return Bytes.HERE;
    }

    /** Whether the {@code .done} of this very set is in place: then it was published, whoever took the other files. */
    public boolean isPublished(Manifest manifest) throws IOException {
        Path done = published(manifest, Part.DONE);
        return Files.isRegularFile(done, LinkOption.NOFOLLOW_LINKS)
                && Files.readString(done).equals(manifest.toJson());
    }

    private Path published(Manifest manifest, Part part) {
        return path.resolve(manifest.name().file(part, manifest.compression()));
    }

    /**
     * Gives the files of a written set their names, {@code .done} last. What is in place already stays, but for the marker of a
     * former sending, which must not stand for files that change under it.
     */
    public void publish(Manifest manifest) throws IOException {
        withdraw(manifest.name());
        for (Part part : DATA) {
            Path temporary = temporary(manifest.name(), manifest.setId(), part, manifest.compression());
            if (Files.exists(temporary, LinkOption.NOFOLLOW_LINKS)) {
                rename(temporary, published(manifest, part));
            }
        }
        sync();
        write(
                temporary(manifest.name(), manifest.setId(), Part.DONE, manifest.compression()),
                published(manifest, Part.DONE),
                manifest.toJson());
    }

    /** Under a name of its own, as another import may write the same file. */
    private void write(Path directory, String name, String text) throws IOException {
        Path temporary = directory.resolve("." + name + "." + UUID.randomUUID() + ".tmp");
        try {
            write(temporary, directory.resolve(name), text);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private void write(Path temporary, Path file, String text) throws IOException {
        Files.deleteIfExists(temporary);
        try (FileChannel channel =
                FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        rename(temporary, file);
        sync();
    }

    private static void rename(Path from, Path to) throws IOException {
        if (Files.isDirectory(to, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(to.toString(), null, "a directory is in the way");
        }
        Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Makes renames last: a directory is a file, too. */
    private void sync() throws IOException {
        sync(path);
    }

    private static void sync(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    // ---- the side that reads sets

    /** The sets whose {@code .done} (or {@code .ack}) is here, by table and number. Names that are none of ours are passed over. */
    public List<SetName> markers(Part part) throws IOException {
        List<SetName> sets = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(path, "*" + part.suffix())) {
            for (Path file : files) {
                SetName set = SetName.parse(file.getFileName().toString(), part);
                if (set != null) {
                    sets.add(set);
                }
            }
        } catch (java.nio.file.DirectoryIteratorException e) {
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
        byte[] bytes = marker(set, Part.DONE);
        return bytes == null ? null : Manifest.read(set, bytes);
    }

    /** What the marker of a group's member says, null where there is none. */
    public Manifest manifest(Manifest.Member member) throws IOException, MalformedException {
        Manifest manifest = manifest(member.name());
        return manifest == null ? manifest(SetName.former(member.table(), member.number())) : manifest;
    }

    /** The bytes of a small file, null where there is none. */
    byte[] marker(SetName set, Part part) throws IOException, MalformedException {
        Path file = path.resolve(set.file(part));
        try (SeekableByteChannel channel = open(file)) {
            if (channel.size() > Fields.MOST_BYTES) {
                throw new MalformedException("is longer than " + Fields.MOST_BYTES + " bytes");
            }
            return Channels.newInputStream(channel).readNBytes(Fields.MOST_BYTES);
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
                    attributes.isSymbolicLink() ? "is a symbolic link, which is not followed" : "is no regular file");
        }
        return Files.newByteChannel(file, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS));
    }

    /** A data file of a set, opened once: what was hashed is what is read. */
    public SeekableByteChannel open(Manifest manifest, Part part) throws IOException {
        return open(published(manifest, part));
    }

    private boolean holds(Path file, FileSum sum) throws IOException {
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

    public static InputStream stream(SeekableByteChannel channel) {
        return Channels.newInputStream(channel);
    }

    // ---- sets that are fetched from elsewhere, file by file

    private Path fetched(SetName set) {
        return path.resolve("." + set.file(Part.DONE) + ".fetched");
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
        Path done = path.resolve(set.file(Part.DONE));
        if (Files.isDirectory(done, LinkOption.NOFOLLOW_LINKS)) {
            throw new FileAlreadyExistsException(done.toString(), null, "a directory is in the way");
        }
        if (Files.deleteIfExists(done)) {
            sync();
        }
    }

    /** Makes a set visible whose data files somebody else has put here under their names. */
    public void publishFetched(Manifest manifest) throws IOException {
        for (Part part : DATA) {
            try (FileChannel channel = FileChannel.open(published(manifest, part), StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
        sync();
        try (FileChannel channel = FileChannel.open(fetched(manifest.name()), StandardOpenOption.READ)) {
            channel.force(true);
        }
        rename(fetched(manifest.name()), published(manifest, Part.DONE));
        sync();
    }

    /** Whether this set is here already, or was found damaged, with this very marker; or was applied, whatever its marker. */
    public boolean hasSeen(Manifest manifest) throws IOException {
        return isIn("", manifest, false) || isIn("failed", manifest, false) || isIn("done", manifest, true);
    }

    private boolean isIn(String below, Manifest manifest, boolean anySending) throws IOException {
        try {
            byte[] bytes = new DropDirectory(path.resolve(below)).marker(manifest.name(), Part.DONE);
            if (bytes == null) {
                return false;
            }
            Manifest here = Manifest.read(manifest.name(), bytes);
            return anySending ? here.setId().equals(manifest.setId()) : here.equals(manifest);
        } catch (MalformedException e) {
            return false;
        }
    }

    /** Whether a data file is here with the very bytes that its manifest names. */
    public boolean holds(Manifest manifest, Part part) throws IOException {
        return holds(published(manifest, part), manifest.file(part));
    }

    // ---- where sets go when they are done with

    /** Moves a set's files to {@code done/}, its marker last: until that has moved, the set is looked at again. */
    public void done(SetName set) throws IOException {
        move(set, "done");
    }

    /** Moves a set's files to {@code failed/}, and says there why: nothing that comes can make this set right. */
    public void failed(SetName set, String why) throws IOException {
        error(move(set, FAILED), set, why);
    }

    /** Moves one file of a set to {@code failed/}, and says there why. The others wait for the right one. */
    public void failed(Manifest set, Part part, String why) throws IOException {
        Path directory = place(FAILED);
        move(published(set, part), directory);
        sync();
        error(directory, set.name(), why);
    }

    private void error(Path directory, SetName set, String why) throws IOException {
        write(directory, set.base() + ERROR, why + "\n");
        sync(directory);
    }

    /**
     * Takes a file out of {@code failed/} that is what the set's {@code .done} says: it was judged by another {@code .done}, or
     * came while it was written.
     *
     * @return whether there was one
     */
    public boolean takeBack(Manifest set, Part part) throws IOException {
        Path failed = path.resolve(FAILED);
        Path file = failed.resolve(published(set, part).getFileName());
        if (!Files.isDirectory(failed, LinkOption.NOFOLLOW_LINKS)
                || !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        // a large one is not read again and again
        String looked =
                set.file(part).sha256() + Files.size(file) + Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS);
        if (looked.equals(wrong.get(file)) || !holds(file, set.file(part))) {
            wrong.put(file, looked);
            return false;
        }
        rename(file, published(set, part));
        sync(failed);
        sync();
        return true;
    }

    /** Whether a file of that name was put aside as damaged. */
    public boolean hasFailed(Manifest set, Part part) {
        return Files.exists(
                path.resolve(FAILED).resolve(published(set, part).getFileName()), LinkOption.NOFOLLOW_LINKS);
    }

    /** Deletes what damaged files a set has left, once it is in its table. */
    public void forgetFailed(SetName set) throws IOException {
        Path failed = path.resolve(FAILED);
        if (!Files.isDirectory(failed, LinkOption.NOFOLLOW_LINKS)
                || Files.notExists(failed.resolve(set.base() + ERROR))) {
            return;
        }
        for (String file : files(set)) {
            Path left = failed.resolve(file);
            if (!Files.isDirectory(left, LinkOption.NOFOLLOW_LINKS)) {
                Files.deleteIfExists(left);
                wrong.remove(left);
            }
        }
        Files.deleteIfExists(failed.resolve(set.base() + ERROR));
    }

    /** What the files of a set may be called, its marker last. */
    private static List<String> files(SetName set) {
        List<String> files = new ArrayList<>();
        for (Part part : DATA) {
            for (Compression compression : part.compressible() ? Compression.values() : ONLY_PLAIN) {
                files.add(set.file(part, compression));
            }
        }
        files.add(set.file(Part.DONE));
        return files;
    }

    private Path move(SetName set, String where) throws IOException {
        Path directory = place(where);
        List<String> files = files(set);
        for (String data : files.subList(0, files.size() - 1)) {
            move(path.resolve(data), directory);
        }
        sync(directory);
        move(path.resolve(files.get(files.size() - 1)), directory);
        sync(directory);
        sync();
        return directory;
    }

    private Path place(String where) throws IOException {
        Path directory = path.resolve(where);
        if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
            try {
                Files.createDirectory(directory);
            } catch (FileAlreadyExistsException e) {
                // another import was faster, or something else has that name, a link for instance
                if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
                    throw e;
                }
            }
        }
        return directory;
    }

    private static void move(Path file, Path directory) throws IOException {
        try {
            rename(file, directory.resolve(file.getFileName()));
        } catch (NoSuchFileException e) {
            // was moved before a crash, or never came
        }
    }

    /** Writes the answer that goes back to the side that exports. */
    public void acknowledge(SetName set, String json) throws IOException {
        write(path, set.file(Part.ACK), json);
    }

    void deleteAck(SetName set) throws IOException {
        Files.deleteIfExists(path.resolve(set.file(Part.ACK)));
    }
}
