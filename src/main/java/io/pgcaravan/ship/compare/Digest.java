package io.pgcaravan.ship.compare;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Fields;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.format.Manifest;
import io.pgcaravan.ship.format.Target;
import io.pgcaravan.sql.TableName;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

/**
 * What the first line of a digest file says: of which table it is, and how the rows were hashed. The lines that follow have the
 * hashes.
 *
 * @param probe what the source's server makes of known texts, so that a server which hashes differently is noticed
 * @param snapshot what it has seen, as {@code pg_snapshot} prints it
 * @param rows of the table
 */
public record Digest(
        UUID id,
        Manifest.Source source,
        Target target,
        TableName table,
        RowHashing hashing,
        String probe,
        String snapshot,
        long rows,
        Instant writtenAt) {

    static final int FORMAT = 1;

    /** The header, a line for each range, and the last line. */
    static final long MOST_BYTES = SealedLines.LONGEST_LINE + RowHashing.MOST_RANGES * 80L;

    private static final int MOST_COLUMNS = 1600;
    private static final int MOST_KEY_COLUMNS = 32;

    /** A digest as it was read. */
    record Read(Digest digest, RangeSums sums) {}

    // ---- writing

    void write(Path file, RangeSums sums) throws IOException {
        try (SealedLines.Writer lines = new SealedLines.Writer(file)) {
            StringWriter text = new StringWriter();
            try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
                json.writeStartObject();
                writeFields(json);
                json.writeEndObject();
            }
            lines.line(text.toString());
            for (int i = 0; i < sums.ranges(); i++) {
                if (sums.count(i) != 0) {
                    lines.line(i + "\t" + sums.count(i) + "\t" + sums.sum(i));
                }
            }
            lines.finish();
        }
    }

    void writeFields(JsonGenerator json) throws IOException {
        json.writeNumberField("format", FORMAT);
        json.writeStringField("digest", id.toString());
        Manifest.writeOrigin(json, source, target, table);
        Manifest.texts(json, "key", hashing.key());
        Manifest.texts(json, "columns", hashing.columns());
        json.writeStringField("block", hashing.block());
        json.writeNumberField("shift", hashing.shift());
        json.writeNumberField("ranges", hashing.ranges());
        json.writeBooleanField("md5", hashing.hash() == RowHashing.Hash.MD5);
        json.writeStringField("probe", probe);
        json.writeStringField("snapshot", snapshot);
        json.writeNumberField("rows", rows);
        json.writeStringField("writtenAt", writtenAt.toString());
    }

    // ---- reading what others wrote

    /** @throws ChangeSetException where the file is damaged, or not what this version reads */
    static Read read(Path file) throws IOException {
        try (SealedLines.Reader lines = new SealedLines.Reader(file, MOST_BYTES)) {
            Fields fields = fields(lines);
            Digest digest = read(fields);
            fields.end();
            RangeSums sums = new RangeSums(digest.hashing.ranges());
            int last = -1;
            for (String line = lines.line(); line != null; line = lines.line()) {
                String[] part = line.split("\t", 4);
                int range = part.length == 3 ? (int) number(part[0], digest.hashing.ranges() - 1) : -1;
                if (range <= last) {
                    throw new MalformedException("has a line that is none of a digest");
                }
                long count = number(part[1], Long.MAX_VALUE);
                if (count == 0 || count > digest.rows) {
                    throw new MalformedException("counts " + count + " rows in range " + range);
                }
                sums.set(range, count, signed(part[2]));
                last = range;
            }
            if (sums.rows() != digest.rows) {
                throw new MalformedException("counts " + digest.rows + " rows, and has hashes of " + sums.rows());
            }
            return new Read(digest, sums);
        } catch (MalformedException e) {
            throw refused(file, e);
        }
    }

    static ChangeSetException refused(Path file, MalformedException e) {
        return new ChangeSetException(file + " is refused: it " + e.getMessage() + "; have it written again", e);
    }

    static Fields fields(SealedLines.Reader lines) throws IOException, MalformedException {
        String first = lines.line();
        if (first == null) {
            throw new MalformedException("is empty");
        }
        return Fields.parse(first.getBytes(StandardCharsets.UTF_8));
    }

    static Digest read(Fields all) throws MalformedException {
        long format = all.number("format", 0, Integer.MAX_VALUE);
        if (format != FORMAT) {
            throw new MalformedException("is of format " + format + ", and this version reads format " + FORMAT);
        }
        Fields source = all.object("source");
        Fields target = all.object("target");
        Digest digest;
        try {
            digest = new Digest(
                    all.uuid("digest"),
                    new Manifest.Source(source.text("system", 40), source.name("database"), source.text("host", 1024)),
                    new Target(target.text("host", 1024), target.name("database")),
                    all.table("table"),
                    hashing(all),
                    all.text("probe", 200),
                    all.snapshot("snapshot"),
                    all.number("rows", 0, Long.MAX_VALUE),
                    all.instant("writtenAt"));
        } catch (IllegalArgumentException e) {
            throw new MalformedException("is none: " + e.getMessage());
        }
        source.end();
        target.end();
        return digest;
    }

    private static RowHashing hashing(Fields all) throws MalformedException {
        List<String> key = all.texts("key", MOST_KEY_COLUMNS);
        List<String> columns = all.texts("columns", MOST_COLUMNS);
        String block = all.textOrNull("block");
        if (!columns.containsAll(key)
                || block != null && !key.contains(block)
                || columns.stream().distinct().count() != columns.size()
                || key.stream().distinct().count() != key.size()) {
            throw new MalformedException("has a key that is not among its columns, or a column twice");
        }
        return new RowHashing(
                key,
                columns,
                block,
                (int) all.number("shift", 0, 40),
                (int) all.number("ranges", 1, RowHashing.MOST_RANGES),
                all.flag("md5") ? RowHashing.Hash.MD5 : RowHashing.Hash.FAST);
    }

    static long number(String text, long most) throws MalformedException {
        long number = signed(text);
        if (number < 0 || number > most) {
            throw new MalformedException("has a number " + number + " where it cannot be");
        }
        return number;
    }

    static long signed(String text) throws MalformedException {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new MalformedException("has no number where one should be");
        }
    }
}
