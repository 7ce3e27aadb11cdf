package io.pgcaravan.ship.compare;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import io.pgcaravan.ship.compare.RowHashing.Hash;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Checked;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.StrictJson;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.ship.importer.ImportLedger;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.UUID;

/**
 * The first line of a digest file: which table it is of, and how its rows were hashed. The lines that follow have the hashes.
 *
 * @param block as {@link RowHashing#block}
 * @param probe what the source's server makes of known texts, so that a server which hashes differently is noticed
 * @param snapshot what it has seen, as {@code pg_snapshot} prints it
 * @param rows of the table
 */
public record Digest(
        int format,
        @JsonProperty("digest") UUID id,
        Manifest.Source source,
        Target target,
        TableName table,
        List<String> key,
        List<String> columns,
        @JsonSetter(nulls = Nulls.SET) String block,
        int shift,
        int ranges,
        boolean md5,
        String probe,
        String snapshot,
        long rows,
        Instant writtenAt) {

    /** The header, and a line for each range. */
    static final long MOST_BYTES = SealedLines.LONGEST_LINE + RowHashing.MOST_RANGES * 80L;

    private static final int MOST_COLUMNS = 1600;
    private static final int MOST_KEY_COLUMNS = 32;

    public Digest {
        Checked.target(target);
        Checked.table(table);
        key = Checked.names("key", key, MOST_KEY_COLUMNS);
        columns = Checked.names("columns", columns, MOST_COLUMNS);
        if (!columns.containsAll(key)
                || block != null && !key.contains(block)
                || new HashSet<>(columns).size() < columns.size()
                || new HashSet<>(key).size() < key.size()) {
            throw new IllegalArgumentException("a column is there twice, or one of the key is not among them");
        }
        Checked.text("probe", probe, 200);
        Checked.snapshot(snapshot);
        Checked.number("rows", rows, 0, Long.MAX_VALUE);
        new RowHashing(key, columns, block, shift, ranges, md5 ? Hash.MD5 : Hash.FAST);
    }

    Digest(
            Manifest.Source source,
            Target target,
            TableName table,
            RowHashing hashing,
            String probe,
            String snapshot,
            long rows,
            Instant writtenAt) {
        this(
                StrictJson.FORMAT,
                UUID.randomUUID(),
                source,
                target,
                table,
                hashing.key(),
                hashing.columns(),
                hashing.block(),
                hashing.shift(),
                hashing.ranges(),
                hashing.hash() == Hash.MD5,
                probe,
                snapshot,
                rows,
                writtenAt);
    }

    RowHashing hashing() {
        return new RowHashing(key, columns, block, shift, ranges, md5 ? Hash.MD5 : Hash.FAST);
    }

    /** The last set of the target that came from this source; null where there is none. */
    Answer.AppliedSet applied(ImportLedger.Position position) {
        return Answer.AppliedSet.of(position, source.system(), source.database());
    }

    /** A digest as it was read. */
    record Read(Digest digest, RangeSums sums) {}

    void write(Path file, RangeSums sums) throws IOException {
        try (SealedLines.Writer lines = new SealedLines.Writer(file)) {
            lines.line(StrictJson.line(this));
            for (int i = 0; i < sums.ranges(); i++) {
                if (sums.count(i) != 0) {
                    lines.line(i + "\t" + sums.count(i) + "\t" + sums.sum(i));
                }
            }
            lines.finish();
        }
    }

    /** @throws ChangeSetException where the file is damaged, or not what this version reads */
    static Read read(Path file) throws IOException {
        try (SealedLines.Reader lines = new SealedLines.Reader(file, MOST_BYTES)) {
            Digest digest = lines.header(Digest.class);
            RangeSums sums = new RangeSums(digest.ranges);
            int last = -1;
            for (String line = lines.line(); line != null; line = lines.line()) {
                String[] part = line.split("\t", 4);
                int range = part.length == 3 ? (int) lines.number(part[0], digest.ranges - 1) : -1;
                long count = range <= last ? 0 : lines.number(part[1], digest.rows);
                if (count == 0) {
                    throw lines.refused("has an invalid line after that of range " + last);
                }
                sums.set(range, count, lines.number(part[2]));
                last = range;
            }
            if (sums.rows() != digest.rows) {
                throw lines.refused("counts " + digest.rows + " rows, and has hashes of " + sums.rows());
            }
            return new Read(digest, sums);
        }
    }
}
