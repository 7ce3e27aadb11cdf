package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The three files in which postgres-dml-tracking-util exports a table: {@code dml.S.T.tab} (numbers and ids of changes),
 * {@code S.T.tab} (the rows) and {@code S.T-columns.txt} (their columns), written in this order by each export over those of the
 * last one. Nothing marks them as whole; that they rest, and that their times are in this order, has to do.
 */
final class DmlFiles implements AutoCloseable {

    /** In the order in which they leave: without its columns a table's files are incomplete, whatever else a crash leaves. */
    enum Kind {
        COLUMNS,
        RECORDS,
        IDS
    }

    private static final int MOST_COLUMN_BYTES = 1 << 20;

    private static final String IDENTIFIER = "([a-z_][a-z0-9_]*|\"(?:[^\"]|\"\")+\")";
    private static final Pattern IDS = Pattern.compile("dml\\.(.+)\\.tab");
    private static final Pattern BASE = Pattern.compile("(?:" + IDENTIFIER + "\\.)?" + IDENTIFIER);

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("uuuuMMdd'T'HHmmss.SSS'Z'").withZone(ZoneOffset.UTC);

    /**
     * What lies in a directory of one table.
     *
     * @param base the table as the tool writes it: quoted where needed, and without a schema that is in the search path
     * @param table null where the base is no name of a table; without a schema it is {@code public}'s
     */
    record Found(Path directory, String base, TableName table, Path columns) {

        Path path(Kind kind) {
            return switch (kind) {
                case COLUMNS -> columns;
                case RECORDS -> directory.resolve(base + ".tab");
                case IDS -> directory.resolve("dml." + base + ".tab");
            };
        }
    }

    /** Files that are not all there, or may be at work yet. */
    static final class WaitException extends Exception {
        private static final long serialVersionUID = 1L;

        WaitException(String message) {
            super(message);
        }
    }

    /** As a file was when it was looked at. */
    private record Stamp(Object key, long size, FileTime modified) {

        static Stamp of(Path file) throws IOException {
            BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return new Stamp(now.fileKey(), now.size(), now.lastModifiedTime());
        }
    }

    private final Found found;
    private final Map<Kind, SeekableByteChannel> channels = new EnumMap<>(Kind.class);
    private final Map<Kind, Stamp> stamps = new EnumMap<>(Kind.class);

    private DmlFiles(Found found) {
        this.found = found;
    }

    /** The tables whose changes lie in a directory, by name. */
    static List<Found> find(Path directory) throws IOException {
        List<String> bases = new ArrayList<>();
        try (DirectoryStream<Path> files = Files.newDirectoryStream(directory, "dml.*.tab")) {
            for (Path file : files) {
                Matcher name = IDS.matcher(file.getFileName().toString());
                if (name.matches()) {
                    bases.add(name.group(1));
                }
            }
        }
        bases.sort(null);
        List<Found> found = new ArrayList<>();
        for (String base : bases) {
            Path columns = directory.resolve(base + "-columns.txt");
            // what the tool's first version wrote, for whichever table was last
            Path former = directory.resolve("columns.txt");
            if (bases.size() == 1 && Files.notExists(columns, LinkOption.NOFOLLOW_LINKS) && Files.exists(former)) {
                columns = former;
            }
            found.add(new Found(directory, base, table(base), columns));
        }
        return found;
    }

    private static TableName table(String base) {
        Matcher name = BASE.matcher(base);
        return name.matches()
                ? new TableName(name.group(1) == null ? "public" : raw(name.group(1)), raw(name.group(2)))
                : null;
    }

    private static String raw(String identifier) {
        return identifier.startsWith("\"")
                ? identifier.substring(1, identifier.length() - 1).replace("\"\"", "\"")
                : identifier;
    }

    /**
     * Opens the files, once: what is read stays what was looked at, unless they are written over.
     *
     * @param settle how long all of them must have rested; null where somebody says that they are whole
     * @throws WaitException where they are not all there, or may be at work yet
     * @throws ChangeSetException where one is no regular file
     */
    static DmlFiles open(Found found, Duration settle) throws IOException, WaitException {
        DmlFiles files = new DmlFiles(found);
        try {
            for (Kind kind : Kind.values()) {
                files.open(kind);
            }
            if (settle != null) {
                files.mustRest(settle);
            }
            for (Kind kind : Kind.values()) {
                files.mustEndWithALine(kind);
            }
            return files;
        } catch (IOException | WaitException | RuntimeException e) {
            files.close();
            throw e;
        }
    }

    private void open(Kind kind) throws IOException, WaitException {
        Path path = found.path(kind);
        try {
            channels.put(kind, DropDirectory.open(path));
            stamps.put(kind, Stamp.of(path));
        } catch (NoSuchFileException e) {
            throw new WaitException("waits for " + path.getFileName());
        } catch (DropDirectory.UnsafeFileException e) {
            throw new ChangeSetException(path.getFileName() + " is refused: it " + e.getMessage());
        }
    }

    private void mustRest(Duration settle) throws WaitException {
        Instant calm = Instant.now().minus(settle);
        for (Kind kind : Kind.values()) {
            if (stamps.get(kind).modified.toInstant().isAfter(calm)) {
                throw new WaitException(
                        "waits until " + name(kind) + " was left alone for " + settle.toSeconds() + " s");
            }
        }
        mustNotBeOlder(Kind.RECORDS, Kind.IDS);
        mustNotBeOlder(Kind.COLUMNS, Kind.RECORDS);
    }

    private void mustNotBeOlder(Kind later, Kind earlier) throws WaitException {
        if (stamps.get(later).modified.compareTo(stamps.get(earlier).modified) < 0) {
            throw new WaitException("waits for a new " + name(later) + ": it is older than " + name(earlier)
                    + ", which an export writes before it. If the files were copied without their times and are whole,"
                    + " --whole says so");
        }
    }

    private void mustEndWithALine(Kind kind) throws IOException, WaitException {
        SeekableByteChannel channel = channels.get(kind);
        if (channel.size() > 0) {
            channel.position(channel.size() - 1);
            if (Channels.newInputStream(channel).read() != '\n') {
                throw new WaitException("waits for the rest of " + name(kind) + ", which ends within a line");
            }
            channel.position(0);
        }
    }

    /** Whether they are still what was opened. */
    boolean areUnchanged() throws IOException {
        for (Kind kind : Kind.values()) {
            try {
                if (!Stamp.of(found.path(kind)).equals(stamps.get(kind))) {
                    return false;
                }
            } catch (NoSuchFileException e) {
                return false;
            }
        }
        return true;
    }

    String name(Kind kind) {
        return found.path(kind).getFileName().toString();
    }

    /** A file from its start. */
    SeekableByteChannel channel(Kind kind) throws IOException {
        return channels.get(kind).position(0);
    }

    long size(Kind kind) {
        return stamps.get(kind).size;
    }

    /**
     * The names of the columns, raw: the tool quotes none.
     *
     * @throws ChangeSetException where they are no names
     */
    List<String> columns() throws IOException {
        if (size(Kind.COLUMNS) > MOST_COLUMN_BYTES) {
            throw new ChangeSetException(name(Kind.COLUMNS) + " is longer than any table's columns are");
        }
        String text = new String(
                Channels.newInputStream(channel(Kind.COLUMNS)).readNBytes(MOST_COLUMN_BYTES), StandardCharsets.UTF_8);
        List<String> columns = new ArrayList<>();
        if (text.indexOf('\n') == text.length() - 1 && text.indexOf('\0') < 0) {
            // a backslash in a name is the one thing that COPY has doubled
            for (String name : text.strip().replace("\\\\", "\\").split(",", -1)) {
                columns.add(name.strip());
            }
        }
        if (columns.isEmpty() || columns.contains("") || new HashSet<>(columns).size() < columns.size()) {
            throw new ChangeSetException(
                    name(Kind.COLUMNS) + ", line 1: is no list of columns, with commas between them");
        }
        return columns;
    }

    /**
     * Puts the files into {@code done/}, with a time before their names, since the next export uses the same ones.
     *
     * @return whether they were still those that were opened; others stay
     */
    boolean done(Instant now) throws IOException {
        if (!areUnchanged()) {
            return false;
        }
        Path done = found.directory.resolve("done");
        if (!Files.isDirectory(done, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectory(done);
        }
        for (Kind kind : Kind.values()) {
            Files.move(
                    found.path(kind),
                    done.resolve(TIME.format(now) + "." + name(kind)),
                    StandardCopyOption.ATOMIC_MOVE);
        }
        return true;
    }

    @Override
    public void close() throws IOException {
        for (SeekableByteChannel channel : channels.values()) {
            channel.close();
        }
    }
}
