package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.InputStream;
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
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The three files in which postgres-dml-tracking-util exports a table: {@code dml.S.T.tab} (numbers and ids of changes),
 * {@code S.T.tab} (the rows) and {@code S.T-columns.txt} (their columns), written in this order by each export over those of the
 * last one. Nothing marks them as whole; that they rest, and that their times are in this order, has to do.
 */
final class DmlFiles implements AutoCloseable {

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
    record Found(Path directory, String base, TableName table, Path columns) {}

    /** A file that was opened once; what is read stays what was looked at, unless it is written over. */
    record OpenFile(Path path, SeekableByteChannel channel, Object key, long size, FileTime modified) {

        /** @throws ChangeSetException where it is not a regular file */
        static OpenFile of(Path path) throws IOException, NotImportedException {
            try {
                SeekableByteChannel channel = DropDirectory.open(path);
                BasicFileAttributes now = attributes(path);
                return new OpenFile(path, channel, now.fileKey(), now.size(), now.lastModifiedTime());
            } catch (NoSuchFileException e) {
                throw NotImportedException.incomplete("waits for " + path.getFileName());
            } catch (DropDirectory.UnsafeFileException e) {
                throw new ChangeSetException(path.getFileName() + " is refused: it " + e.getMessage());
            }
        }

        private static BasicFileAttributes attributes(Path path) throws IOException {
            return Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        }

        String name() {
            return path.getFileName().toString();
        }

        /** From its start. */
        InputStream stream() throws IOException {
            return Channels.newInputStream(channel.position(0));
        }

        private boolean isUnchanged() throws IOException {
            try {
                BasicFileAttributes now = attributes(path);
                return key.equals(now.fileKey()) && size == now.size() && modified.equals(now.lastModifiedTime());
            } catch (NoSuchFileException e) {
                return false;
            }
        }

        private boolean endsWithALine() throws IOException {
            return channel.size() == 0
                    || Channels.newInputStream(channel.position(channel.size() - 1))
                                    .read()
                            == '\n';
        }

        private void mustNotBeOlder(OpenFile earlier) throws NotImportedException {
            if (modified.compareTo(earlier.modified) < 0) {
                throw NotImportedException.incomplete("waits for a new " + name() + ": it is older than "
                        + earlier.name() + ", which an export writes before it. If the files were copied without their"
                        + " times and are whole, --whole says so");
            }
        }
    }

    private final Path directory;

    /** In the order in which they leave: without its columns a table's files are incomplete, whatever else a crash leaves. */
    private final List<OpenFile> files = new ArrayList<>();

    private DmlFiles(Path directory) {
        this.directory = directory;
    }

    OpenFile columnsFile() {
        return files.get(0);
    }

    OpenFile records() {
        return files.get(1);
    }

    OpenFile ids() {
        return files.get(2);
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
     * Opens the files.
     *
     * @param settle how long all of them must have rested; null where the user says that they are complete
     * @throws NotImportedException where they are not all there, or may be at work yet
     */
    static DmlFiles open(Found found, Duration settle) throws IOException, NotImportedException {
        DmlFiles opened = new DmlFiles(found.directory);
        try {
            opened.files.add(OpenFile.of(found.columns));
            opened.files.add(OpenFile.of(found.directory.resolve(found.base + ".tab")));
            opened.files.add(OpenFile.of(found.directory.resolve("dml." + found.base + ".tab")));
            opened.mustBeWhole(settle);
            return opened;
        } catch (IOException | NotImportedException | RuntimeException e) {
            opened.close();
            throw e;
        }
    }

    private void mustBeWhole(Duration settle) throws IOException, NotImportedException {
        if (settle != null) {
            Instant calm = Instant.now().minus(settle);
            for (OpenFile file : files) {
                if (file.modified.toInstant().isAfter(calm)) {
                    throw NotImportedException.incomplete(
                            "waits until " + file.name() + " was left alone for " + settle.toSeconds() + " s");
                }
            }
            records().mustNotBeOlder(ids());
            columnsFile().mustNotBeOlder(records());
        }
        for (OpenFile file : files) {
            if (!file.endsWithALine()) {
                throw NotImportedException.incomplete(
                        "waits for the rest of " + file.name() + ", which ends within a line");
            }
        }
    }

    /** Whether they are still what was opened. */
    boolean areUnchanged() throws IOException {
        for (OpenFile file : files) {
            if (!file.isUnchanged()) {
                return false;
            }
        }
        return true;
    }

    /**
     * The names of the columns, raw: the tool quotes none.
     *
     * @throws ChangeSetException where they are no names
     */
    List<String> columns() throws IOException {
        byte[] line = columnsFile().stream().readNBytes(MOST_COLUMN_BYTES);
        String text = new String(line, StandardCharsets.UTF_8);
        // a backslash in a name is the one thing that COPY has doubled
        List<String> columns = Arrays.stream(text.strip().replace("\\\\", "\\").split(",", -1))
                .map(String::strip)
                .toList();
        if (text.indexOf('\n') != text.length() - 1
                || line.length == MOST_COLUMN_BYTES
                || text.indexOf('\0') >= 0
                || columns.contains("")
                || new HashSet<>(columns).size() < columns.size()) {
            throw new ChangeSetException(
                    columnsFile().name() + ", line 1: must have names of columns, with commas between them");
        }
        return columns;
    }

    /**
     * Puts the files into {@code done/}, with a time before their names, since the next export uses the same ones. Where they are
     * no longer those that were opened, they stay.
     */
    void done(Instant now) throws IOException {
        if (!areUnchanged()) {
            return;
        }
        Path done = directory.resolve("done");
        if (!Files.isDirectory(done, LinkOption.NOFOLLOW_LINKS)) {
            Files.createDirectory(done);
        }
        for (OpenFile file : files) {
            Files.move(file.path, done.resolve(TIME.format(now) + "." + file.name()), StandardCopyOption.ATOMIC_MOVE);
        }
    }

    @Override
    public void close() throws IOException {
        for (OpenFile file : files) {
            file.channel.close();
        }
    }
}
