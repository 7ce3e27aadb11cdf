package io.pgcaravan.load;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.DeadLetter;
import io.pgcaravan.batch.Event;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.queue.Batch;
import io.pgcaravan.row.ServerEncoding;
import io.pgcaravan.sql.OwnTables;
import io.pgcaravan.sql.Sql;
import java.nio.charset.Charset;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
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
            throw new IllegalArgumentException("a bad row without its event cannot be buried", badRow);
        }
        Event event = badRow.event().redacted(open);
        Batch batch = open.batch();
        CharsetEncoder encoding = encoding(open.target());
        try (PreparedStatement statement = open.target().prepareStatement(BURY)) {
            statement.setString(1, batch.consumer());
            statement.setString(2, batch.queue());
            statement.setLong(3, batch.id());
            statement.setLong(4, batch.tick());
            statement.setObject(5, batch.tickTime().atOffset(ZoneOffset.UTC));
            statement.setLong(6, event.id());
            statement.setObject(7, event.time().atOffset(ZoneOffset.UTC));
            statement.setLong(8, event.txid());
            statement.setString(9, storable(event.type(), encoding));
            statement.setString(10, storable(event.data(), encoding));
            for (int extra = 1; extra <= 4; extra++) {
                statement.setString(10 + extra, storable(event.extra(extra), encoding));
            }
            statement.setString(15, badRow.sqlState());
            statement.setString(16, storable(badRow.getMessage(), encoding));
            statement.setBoolean(17, event.masked());
            statement.executeUpdate();
        }
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
        try (PreparedStatement statement = target.prepareStatement(
                "select * from caravan.dead_letter where ?::text is null or consumer = ?::text order by id")) {
            statement.setString(1, consumer);
            statement.setString(2, consumer);
            List<DeadLetter> letters = new ArrayList<>();
            try (ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    letters.add(letter(row));
                }
            }
            return letters;
        }
    }

    /** One dead letter, null where there is none of that id. */
    public static DeadLetter find(Connection target, long id) throws SQLException {
        try (PreparedStatement statement = target.prepareStatement("select * from caravan.dead_letter where id = ?")) {
            statement.setLong(1, id);
            try (ResultSet row = statement.executeQuery()) {
                return row.next() ? letter(row) : null;
            }
        }
    }

    /** Takes a dead letter away; false where it is gone already. */
    public static boolean delete(Connection target, long id) throws SQLException {
        try (PreparedStatement statement = target.prepareStatement("delete from caravan.dead_letter where id = ?")) {
            statement.setLong(1, id);
            return statement.executeUpdate() == 1;
        }
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
