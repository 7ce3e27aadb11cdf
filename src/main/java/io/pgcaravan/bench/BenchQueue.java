package io.pgcaravan.bench;

import io.pgcaravan.queue.Pgq;
import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** One queue of a benchmark, whose batches are taken again and again. */
final class BenchQueue {

    static final String CONSUMER = "bench";

    private final Connection source;
    private final String name;
    private final int days;
    private final long firstTick;
    private long lastTick;
    private long events;

    /** @param days that the rows are spread over */
    BenchQueue(Connection source, String name, int days) throws SQLException {
        this.source = source;
        this.name = name;
        this.days = days;
        text("select pgq.create_queue(?)", name);
        text("select pgq.register_consumer(?, '" + CONSUMER + "')", name);
        firstTick = tick();
        lastTick = firstTick;
    }

    String name() {
        return name;
    }

    /** Events put in so far. */
    long events() {
        return events;
    }

    /** One batch of inserts. */
    void inserts(long count) throws SQLException {
        fill("bench/inserts", count, events);
        events += count;
        lastTick = tick();
    }

    /** One batch of inserts, then updates of some of their rows, then deletes. */
    void changes(long inserts, long updates, long deletes) throws SQLException {
        fill("bench/inserts", inserts, 0L);
        fill("bench/changes", updates, "U", inserts);
        fill("bench/changes", deletes, "D", inserts);
        events = inserts + updates + deletes;
        lastTick = tick();
    }

    private void fill(String file, Object... values) throws SQLException {
        String sql = Sql.file(file)
                .replace("/* events */", text("select pgq.current_event_table(?)", name))
                .replace("/* days */", Integer.toString(days));
        try (PreparedStatement statement = source.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            statement.executeUpdate();
        }
    }

    private long tick() throws SQLException {
        text("select pgq.force_tick(?)", name);
        return Long.parseLong(text("select pgq.ticker(?)", name));
    }

    /** Sets the consumer back to before the first batch. */
    void rewind() throws SQLException {
        text("select pgq.register_consumer_at(?, '" + CONSUMER + "', " + firstTick + ")", name);
    }

    /** Sets the consumer behind the last batch. */
    void skip() throws SQLException {
        text("select pgq.register_consumer_at(?, '" + CONSUMER + "', " + lastTick + ")", name);
    }

    /** Tells waiting consumers of a tick, as a ticker does. */
    void wake() throws SQLException {
        text("select pg_notify('" + Pgq.TICK_CHANNEL + "', ?)", name);
    }

    /** Whether the consumer has finished the last batch. Asked often: pgq.get_consumer_info would take a core's tenth. */
    boolean finished() throws SQLException {
        return Long.parseLong(text(
                        "select sub_last_tick from pgq.subscription join pgq.queue on queue_id = sub_queue"
                                + " where queue_name = ?",
                        name))
                == lastTick;
    }

    /** The statement that reads the first batch, which {@link #rewind} makes the open one again. */
    String batchSql() throws SQLException {
        rewind();
        String batch = text("select pgq.next_batch(?, '" + CONSUMER + "')", name);
        try (Statement statement = source.createStatement();
                ResultSet row = statement.executeQuery("select pgq.batch_event_sql(" + batch + ")")) {
            row.next();
            return row.getString(1);
        }
    }

    private String text(String sql, String parameter) throws SQLException {
        try (PreparedStatement statement = source.prepareStatement(sql)) {
            statement.setString(1, parameter);
            try (ResultSet row = statement.executeQuery()) {
                row.next();
                return row.getString(1);
            }
        }
    }
}
