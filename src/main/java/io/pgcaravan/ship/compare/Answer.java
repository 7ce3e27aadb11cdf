package io.pgcaravan.ship.compare;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.Nulls;
import io.pgcaravan.queue.Source;
import io.pgcaravan.ship.format.ChangeSetException;
import io.pgcaravan.ship.format.Checked;
import io.pgcaravan.ship.format.StrictJson;
import io.pgcaravan.ship.importer.ImportLedger;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a target answers to a digest, as the first line of the file says it. The lines that follow name the ranges that differ,
 * and the keys and hashes of the rows that the target has there.
 *
 * @param applied what the target had applied; null where it had no set
 * @param rows of the target's table
 */
public record Answer(
        @JsonProperty("answers") Digest digest,
        @JsonSetter(nulls = Nulls.SET) AppliedSet applied,
        long rows,
        Instant answeredAt) {

    private static final String RANGE = "range\t";
    private static final String ROW = "row\t";
    private static final Pattern ESCAPE = Pattern.compile("\\\\(.?)", Pattern.DOTALL);

    public Answer {
        Checked.number("rows", rows, 0, Long.MAX_VALUE);
    }

    /** @param snapshot what the last set had seen, as {@code pg_snapshot} prints it */
    public record AppliedSet(long set, String snapshot, String system) {

        public AppliedSet {
            Checked.number("set", set, 1, Long.MAX_VALUE);
            Checked.snapshot(snapshot);
            Checked.text("system", system, 40);
        }

        static AppliedSet of(ImportLedger.Position position, Source source) {
            return of(position, source.system(), source.database());
        }

        /** Null where nothing was applied that came from that database. */
        static AppliedSet of(ImportLedger.Position position, String system, String database) {
            return position == null || position.number() == null || !position.isFrom(system, database)
                    ? null
                    : new AppliedSet(position.number(), position.snapshot(), position.sourceSystem());
        }
    }

    /**
     * Writes the file.
     *
     * @param rows the target's rows in those ranges
     * @return how many rows were written
     */
    long write(Path file, BitSet differing, HashedRows rows) throws IOException, SQLException {
        long written = 0;
        try (SealedLines.Writer lines = new SealedLines.Writer(file)) {
            lines.line(StrictJson.line(this));
            for (int range = differing.nextSetBit(0); range >= 0; range = differing.nextSetBit(range + 1)) {
                lines.line(RANGE + range);
            }
            for (HashedRows.Row row = rows.next(); row != null; row = rows.next()) {
                StringBuilder line = new StringBuilder(ROW + row.keyHash() + "\t" + row.hash());
                row.key().forEach(column -> line.append('\t').append(escaped(column)));
                lines.line(line.toString());
                written++;
            }
            lines.finish();
        }
        return written;
    }

    /** As COPY's text format has it. */
    private static String escaped(String value) {
        return value == null
                ? "\\N"
                : value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n");
    }

    /** An answer while it is read: its ranges are known, its rows still to come. */
    static final class AnswerReader implements HashedRows {

        final Answer answer;
        final BitSet ranges = new BitSet();

        private final SealedLines.Reader lines;
        private String line;
        private long lastHash = Long.MIN_VALUE;

        /** @throws ChangeSetException where the file is damaged, or not what this version reads */
        AnswerReader(Path file) throws IOException {
            lines = new SealedLines.Reader(file, Long.MAX_VALUE);
            try {
                answer = lines.header(Answer.class);
                for (line = lines.line(); line != null && line.startsWith(RANGE); line = lines.line()) {
                    ranges.set((int) lines.number(line.substring(RANGE.length()), answer.digest.ranges() - 1));
                }
            } catch (IOException | RuntimeException e) {
                lines.close();
                throw e;
            }
        }

        @Override
        public Row next() throws IOException {
            if (line == null) {
                return null;
            }
            String[] part = line.split("\t", -1);
            if (!line.startsWith(ROW) || part.length != answer.digest.key().size() + 3) {
                throw lines.refused("has an invalid line of a row");
            }
            long keyHash = lines.number(part[1]);
            if (keyHash < lastHash) {
                throw lines.refused("has rows that are not in their order");
            }
            lastHash = keyHash;
            List<String> key = new ArrayList<>();
            for (int i = 3; i < part.length; i++) {
                key.add(plain(part[i]));
            }
            Row row = new Row(keyHash, lines.number(part[2]), key);
            line = lines.line();
            return row;
        }

        private String plain(String escaped) {
            if (escaped.indexOf('\0') >= 0) {
                throw lines.refused("has a NUL in a key");
            }
            return escaped.equals("\\N")
                    ? null
                    : ESCAPE.matcher(escaped).replaceAll(escape -> switch (escape.group(1)) {
                        case "\\" -> Matcher.quoteReplacement("\\");
                        case "t" -> "\t";
                        case "n" -> "\n";
                        default -> throw lines.refused("has an unknown escape in a key");
                    });
        }

        @Override
        public void close() throws IOException {
            lines.close();
        }
    }
}
