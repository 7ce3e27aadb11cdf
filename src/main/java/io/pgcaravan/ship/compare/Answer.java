package io.pgcaravan.ship.compare;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Fields;
import io.pgcaravan.ship.format.MalformedException;
import io.pgcaravan.ship.importer.ImportLedger;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * What a target answers to a digest, as the first line of the file says it. The lines that follow name the ranges that differ,
 * and the keys and hashes of the rows that the target has there.
 *
 * @param applied what the target had applied; null where it had no set
 * @param rows of the target's table
 */
public record Answer(Digest digest, Applied applied, long rows, Instant answeredAt) {

    /** @param snapshot what the last set had seen, as {@code pg_snapshot} prints it */
    public record Applied(long set, String snapshot, String system) {

        /** Null where nothing was applied that came from that database. */
        static Applied of(ImportLedger.Position position, String system, String database) {
            return position == null || position.number() == null || !position.isFrom(system, database)
                    ? null
                    : new Applied(position.number(), position.snapshot(), position.sourceSystem());
        }
    }

    private static final String RANGE = "range\t";
    private static final String ROW = "row\t";

    // ---- writing

    /**
     * Writes the file.
     *
     * @param rows the target's rows in those ranges
     * @return how many rows were written
     */
    long write(Path file, BitSet differing, HashedRows rows) throws IOException, SQLException {
        long written = 0;
        try (SealedLines.Writer lines = new SealedLines.Writer(file)) {
            StringWriter text = new StringWriter();
            try (JsonGenerator json = new JsonFactory().createGenerator(text)) {
                json.writeStartObject();
                json.writeObjectFieldStart("answers");
                digest.writeFields(json);
                json.writeEndObject();
                if (applied == null) {
                    json.writeNullField("applied");
                } else {
                    json.writeObjectFieldStart("applied");
                    json.writeNumberField("set", applied.set);
                    json.writeStringField("snapshot", applied.snapshot);
                    json.writeStringField("system", applied.system);
                    json.writeEndObject();
                }
                json.writeNumberField("rows", this.rows);
                json.writeStringField("answeredAt", answeredAt.toString());
                json.writeEndObject();
            }
            lines.line(text.toString());
            for (int range = differing.nextSetBit(0); range >= 0; range = differing.nextSetBit(range + 1)) {
                lines.line(RANGE + range);
            }
            for (HashedRows.Row row = rows.next(); row != null; row = rows.next()) {
                StringBuilder line = new StringBuilder(ROW)
                        .append(row.keyHash())
                        .append('\t')
                        .append(row.hash());
                for (String column : row.key()) {
                    escape(line.append('\t'), column);
                }
                lines.line(line.toString());
                written++;
            }
            lines.finish();
        }
        return written;
    }

    /** As COPY's text format has it. */
    private static void escape(StringBuilder line, String value) {
        if (value == null) {
            line.append("\\N");
            return;
        }
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            switch (c) {
                case '\\' -> line.append("\\\\");
                case '\t' -> line.append("\\t");
                case '\n' -> line.append("\\n");
                default -> line.append(c);
            }
        }
    }

    private static String unescape(String value) throws MalformedException {
        if (value.equals("\\N")) {
            return null;
        }
        StringBuilder plain = new StringBuilder(value.length());
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '\0') {
                throw new MalformedException("has a NUL in a key");
            }
            if (c == '\\') {
                c = ++i < value.length() ? value.charAt(i) : 0;
                c = switch (c) {
                    case '\\' -> '\\';
                    case 't' -> '\t';
                    case 'n' -> '\n';
                    default -> throw new MalformedException("has an escape in a key that none is written with");
                };
            }
            plain.append(c);
        }
        return plain.toString();
    }

    // ---- reading what others wrote

    /** An answer while it is read: its ranges are known, its rows still to come. */
    static final class Reading implements HashedRows {

        final Answer answer;
        final BitSet ranges;

        private final Path file;
        private final SealedLines.Reader lines;
        private String line;
        private long lastHash = Long.MIN_VALUE;

        /** @throws ChangeSetException where the file is damaged, or not what this version reads */
        Reading(Path file) throws IOException {
            this.file = file;
            SealedLines.Reader opened = null;
            try {
                opened = new SealedLines.Reader(file, Long.MAX_VALUE);
                lines = opened;
                answer = read(Digest.fields(lines));
                ranges = new BitSet(answer.digest.hashing().ranges());
                for (line = lines.line(); line != null && line.startsWith(RANGE); line = lines.line()) {
                    ranges.set((int) Digest.number(
                            line.substring(RANGE.length()),
                            answer.digest.hashing().ranges() - 1));
                }
            } catch (MalformedException e) {
                opened(opened);
                throw Digest.refused(file, e);
            } catch (IOException | RuntimeException e) {
                opened(opened);
                throw e;
            }
        }

        private static void opened(SealedLines.Reader reader) throws IOException {
            if (reader != null) {
                reader.close();
            }
        }

        private static Answer read(Fields fields) throws MalformedException {
            Fields digest = fields.object("answers");
            Fields applied = fields.objectOrNull("applied");
            Answer answer = new Answer(
                    Digest.read(digest),
                    applied == null
                            ? null
                            : new Applied(
                                    applied.number("set", 1, Long.MAX_VALUE),
                                    applied.snapshot("snapshot"),
                                    applied.text("system", 40)),
                    fields.number("rows", 0, Long.MAX_VALUE),
                    fields.instant("answeredAt"));
            digest.end();
            if (applied != null) {
                applied.end();
            }
            fields.end();
            return answer;
        }

        @Override
        public Row next() throws IOException {
            if (line == null) {
                return null;
            }
            try {
                String[] part = line.split("\t", -1);
                int columns = answer.digest.hashing().key().size();
                if (!line.startsWith(ROW) || part.length != columns + 3) {
                    throw new MalformedException("has a line that is none of an answer");
                }
                long keyHash = Digest.signed(part[1]);
                if (keyHash < lastHash) {
                    throw new MalformedException("has rows that are not in their order");
                }
                lastHash = keyHash;
                List<String> key = new ArrayList<>(columns);
                for (int i = 3; i < part.length; i++) {
                    key.add(unescape(part[i]));
                }
                Row row = new Row(keyHash, Digest.signed(part[2]), key);
                line = lines.line();
                return row;
            } catch (MalformedException e) {
                throw Digest.refused(file, e);
            }
        }

        @Override
        public void close() throws IOException {
            lines.close();
        }
    }
}
