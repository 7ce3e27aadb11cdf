package io.pgcaravan.load;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.row.ServerEncoding;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Query;
import io.pgcaravan.sql.Sql;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.List;
import org.postgresql.PGConnection;

/** The table {@code caravan.dead_letter} on the target: rows that could not be loaded, with their events and reasons. */
public final class DeadLetters {

    private static final String BURY = Sql.file("target/bury");

    private DeadLetters() {}

    /**
     * Puts a row's event among the dead letters, in the batch's transaction.
     *
     * @throws IllegalArgumentException where the bad row does not name its event
     */
    public static void bury(OpenBatch open, BadRowException badRow) throws SQLException {
        if (badRow.event() == null) {
            throw new IllegalArgumentException("a bad row without its event cannot be a dead letter", badRow);
        }
        Event event = badRow.event().redacted(open);
        Batch batch = open.batch();
        CharsetEncoder encoding = encoding(open.target());
        Query.update(
                open.target(),
                BURY,
                batch.consumer(),
                batch.queue(),
                batch.id(),
                batch.tick(),
                batch.tickTime().atOffset(ZoneOffset.UTC),
                event.id(),
                event.time().atOffset(ZoneOffset.UTC),
                event.txid(),
                storable(event.type(), encoding),
                storable(event.data(), encoding),
                storable(event.extra(1), encoding),
                storable(event.extra(2), encoding),
                storable(event.extra(3), encoding),
                storable(event.extra(4), encoding),
                badRow.sqlState(),
                storable(badRow.getMessage(), encoding),
                event.masked());
    }

    /** Whether the target has the table; it comes with the first run of a job. */
    public static boolean exist(Connection target) throws SQLException {
        return OwnTables.exists(target, "caravan.dead_letter");
    }

    /**
     * The dead letters in the order they came.
     *
     * @param consumer null for those of all
     */
    public static List<DeadLetter> list(Connection target, String consumer) throws SQLException {
        return Query.all(
                target,
                "select * from caravan.dead_letter where ?::text is null or consumer = ?::text order by id",
                DeadLetters::letter,
                consumer,
                consumer);
    }

    /** One dead letter, null where there is none of that id. */
    public static DeadLetter find(Connection target, long id) throws SQLException {
        return Query.first(target, "select * from caravan.dead_letter where id = ?", DeadLetters::letter, id);
    }

    /** Deletes a dead letter; false where it was deleted before. */
    public static boolean delete(Connection target, long id) throws SQLException {
        return Query.update(target, "delete from caravan.dead_letter where id = ?", id) == 1;
    }

    private static DeadLetter letter(ResultSet row) throws SQLException {
        return new DeadLetter(
                row.getLong("id"),
                row.getString("consumer"),
                row.getString("queue"),
                row.getLong("batch_id"),
                row.getLong("tick"),
                row.getObject("tick_time", OffsetDateTime.class).toInstant(),
                row.getLong("ev_id"),
                row.getObject("ev_time", OffsetDateTime.class).toInstant(),
                row.getString("ev_type"),
                row.getString("ev_data"),
                Arrays.asList(
                        row.getString("ev_extra1"),
                        row.getString("ev_extra2"),
                        row.getString("ev_extra3"),
                        row.getString("ev_extra4")),
                row.getBoolean("masked"),
                row.getString("sqlstate"),
                row.getString("error"),
                row.getObject("at", OffsetDateTime.class).toInstant());
    }

    /** What the target's texts can hold; null where that is everything. */
    private static CharsetEncoder encoding(Connection target) throws SQLException {
        String name = target.unwrap(PGConnection.class).getParameterStatus("server_encoding");
        Charset charset = name == null ? StandardCharsets.UTF_8 : ServerEncoding.charsetOf(name);
        return charset.equals(StandardCharsets.UTF_8) ? null : charset.newEncoder();
    }

    /** A text with what the target cannot hold written as {@code \\uXXXX}: a letter must not keep its row from being buried. */
    private static String storable(String text, CharsetEncoder encoding) {
        if (text == null || encoding == null || encoding.canEncode(text)) {
            return text;
        }
        StringBuilder escaped = new StringBuilder();
        text.chars().forEach(unit -> {
            if (encoding.canEncode((char) unit)) {
                escaped.append((char) unit);
            } else {
                escaped.append(String.format("\\u%04x", unit));
            }
        });
        return escaped.toString();
    }
}
