package io.pgcaravan.ship.importer;

import io.pgcaravan.ship.format.ColumnLine;
import io.pgcaravan.ship.format.DropDirectory;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Manifest.FileSum;
import io.pgcaravan.ship.format.SetPart;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.TableName;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyIn;

/** A set that is being imported: its files, opened once, and the temporary tables of its transaction that they go to. */
final class OpenSet implements AutoCloseable {

    final Manifest set;

    /** Where the rows go; null until {@link #readTable}. */
    ImportTable table;

    /** The set, an earlier one of the same table, with which this one goes; itself where there is none. */
    OpenSet onto = this;

    private final Connection connection;
    private final int number;
    private final Importer.Progress progress;
    private final Map<SetPart, SeekableByteChannel> files = new EnumMap<>(SetPart.class);

    /** @param number that no other set of the transaction has */
    OpenSet(Manifest set, Connection connection, int number, Importer.Progress progress) {
        this.set = set;
        this.connection = connection;
        this.number = number;
        this.progress = progress;
    }

    String ids() {
        return "pg_temp.caravan_ids_" + number;
    }

    String records() {
        return "pg_temp.caravan_records_" + number;
    }

    @Override
    public void close() throws IOException {
        for (SeekableByteChannel file : files.values()) {
            file.close();
        }
    }

    // ---- the files

    /** @throws NotImportedException where one is missing or short */
    void open(DropDirectory directory) throws IOException, NotImportedException {
        for (SetPart part : SetPart.DATA) {
            FileSum sum = set.file(part);
            SeekableByteChannel channel;
            try {
                channel = openOrGetBack(directory, part);
            } catch (NoSuchFileException e) {
                throw NotImportedException.incomplete("it waits for " + sum.name()
                        + (directory.failed().has(set, part)
                                ? "; the one that came is in failed/, where " + set.name()
                                        + ".error says what is wrong with it. caravan export --again writes the set once"
                                        + " more"
                                : ""));
            } catch (DropDirectory.UnsafeFileException e) {
                throw new DamagedException(set, part, sum.name() + " is refused: it " + e.getMessage());
            }
            files.put(part, channel);
            long size = channel.size();
            if (size < sum.bytes()) {
                throw NotImportedException.incomplete(sum.waitsForRest(size));
            }
            if (size > sum.bytes()) {
                throw new DamagedException(set, part, sum.isLonger(size));
            }
        }
    }

    private SeekableByteChannel openOrGetBack(DropDirectory directory, SetPart part) throws IOException {
        try {
            return directory.open(set, part);
        } catch (NoSuchFileException e) {
            if (directory.failed().giveBack(set, part)) {
                return directory.open(set, part);
            }
            throw e;
        }
    }

    void verify(SetPart part) throws IOException {
        FileSum sum = set.file(part);
        String hash = DropDirectory.hash(files.get(part));
        if (!hash.equals(sum.sha256())) {
            throw new DamagedException(
                    set,
                    part,
                    sum.name() + " is damaged: its SHA-256 is " + hash + ", and its .done says " + sum.sha256());
        }
    }

    void readTable() throws SQLException, IOException {
        table = ImportTable.read(connection, set.table(), set.key(), columns());
    }

    private List<String> columns() throws IOException {
        String line = new String(stream(SetPart.COLUMNS).readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (!line.endsWith("\n")) {
                throw new IllegalArgumentException("its line has no end");
            }
            return ColumnLine.read(line.substring(0, line.length() - 1));
        } catch (IllegalArgumentException e) {
            throw new DamagedException(
                    set, set.file(SetPart.COLUMNS).name() + " is not a list of columns: " + e.getMessage());
        }
    }

    // ---- the rows

    void stageIds() throws SQLException, IOException {
        if (!set.replacesEverything()) {
            createTemporary(ids(), table.key());
            copy(SetPart.IDS, ids() + " (" + TableName.quote(table.key()) + ")");
            Query.execute(connection, "analyze " + ids());
        }
    }

    /** Puts the records where those of the set are with which this one goes, in the place of earlier versions. */
    void stageRecords() throws SQLException, IOException {
        if (onto == this) {
            createTemporary(records(), table.columns());
        } else {
            Query.execute(
                    connection, "delete from " + onto.records() + " t using " + ids() + " k where " + table.sameKey());
            if (!onto.set.replacesEverything()) {
                Query.execute(connection, "insert into " + onto.ids() + " select * from " + ids());
            }
        }
        copy(SetPart.RECORDS, onto.records() + " (" + TableName.quote(table.columns()) + ")");
        Query.execute(connection, "analyze " + onto.records());
    }

    private void createTemporary(String name, List<String> columns) throws SQLException {
        Query.execute(
                connection,
                "create temp table " + name.substring("pg_temp.".length()) + " on commit drop as select "
                        + TableName.quote(columns) + " from " + table.name().quoted() + " with no data");
    }

    /** What is to change in the table. */
    Replacement.Rows rows(boolean staged) {
        String ids = set.replacesEverything() ? null : ids();
        return new Replacement.Rows(table, ids, staged ? records() : null, into -> copy(SetPart.RECORDS, into));
    }

    private void copy(SetPart part, String into) throws SQLException, IOException {
        FileSum sum = set.file(part);
        CopyIn copy = connection.unwrap(PGConnection.class).getCopyAPI().copyIn("copy " + into + " from stdin");
        long bytes = 0;
        try (InputStream in = set.compression().decompress(stream(part))) {
            byte[] buffer = new byte[1 << 16];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                bytes += n;
                if (bytes > sum.plainBytes()) {
                    throw new DamagedException(
                            set,
                            sum.name() + " holds more than the " + sum.plainBytes() + " bytes that its .done says");
                }
                copy.writeToCopy(buffer, 0, n);
                if ((bytes & 0xfffff) < n) {
                    progress.sent(set, part, bytes, sum.plainBytes());
                }
            }
            long rows = copy.endCopy();
            if (bytes != sum.plainBytes() || rows != sum.rows()) {
                throw new DamagedException(
                        set,
                        sum.name() + " holds " + rows + " rows in " + bytes + " bytes, and its .done says " + sum.rows()
                                + " rows in " + sum.plainBytes() + " bytes");
            }
            progress.sent(set, part, bytes, sum.plainBytes());
        } catch (java.util.zip.ZipException | com.github.luben.zstd.ZstdIOException | java.io.EOFException e) {
            throw new DamagedException(
                    set, sum.name() + " is not what " + set.compression().word() + " writes: " + e.getMessage());
        } finally {
            if (copy.isActive()) {
                copy.cancelCopy();
            }
        }
    }

    /** A file from its start. Closing does not close the file, which may be needed once more. */
    private InputStream stream(SetPart part) throws IOException {
        return new FilterInputStream(Channels.newInputStream(files.get(part).position(0))) {
            @Override
            public void close() {}
        };
    }
}
