package io.pgcaravan.camel;

import static io.pgcaravan.PgServer.value;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.skytools.JobRoute;
import io.pgcaravan.skytools.TableDispatcherJob;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.PGConnection;

/**
 * A table_dispatcher is stopped or killed anywhere in the stream and pgcaravan started in its place, and the other way
 * round, again and again: the tables are the same, byte by byte, as those that either of them makes alone.
 */
class HandOverTest {

    private static final Path RESOURCES = Path.of("src/test/resources/handover");

    private static final int ROWS_A_BATCH = 40;

    /** The ledger of Skytools 2.1: no subconsumers. */
    private static final String[] LEDGER_OF_2_1 = {
        "create schema pgq_ext",
        "create table pgq_ext.completed_tick (consumer_id text primary key, last_tick_id bigint not null)",
        "create table pgq_ext.completed_batch (consumer_id text primary key, last_batch_id bigint not null)",
        "create function pgq_ext.get_last_tick(a_consumer text) returns bigint language sql security definer as"
                + " $$ select last_tick_id from pgq_ext.completed_tick where consumer_id = $1 $$",
        """
        create function pgq_ext.set_last_tick(a_consumer text, a_tick_id bigint) returns integer
        language plpgsql security definer as $$
        begin
            if a_tick_id is null then
                delete from pgq_ext.completed_tick where consumer_id = a_consumer;
            else
                update pgq_ext.completed_tick set last_tick_id = a_tick_id where consumer_id = a_consumer;
                if not found then
                    insert into pgq_ext.completed_tick values (a_consumer, a_tick_id);
                end if;
            end if;
            return 1;
        end $$"""
    };

    /** What an ini file says, for both programs. */
    private record Dispatch(
            String destTable, String fields, String partField, String partMethod, String partTemplate) {}

    /** Every column, days of a column's date, partitions that inherit, the ledger's layout of 2.1. */
    private static final Dispatch DAILY = new Dispatch("public.Event Log", "*", "Created At", "daily", """
            create table _DEST_TABLE () inherits (public."Event Log");
            alter table only _DEST_TABLE add primary key (id);
            create index on _DEST_TABLE ("Mixed", "select");
            grant select on _DEST_TABLE to public;
            """);

    /** Some columns under other names, months of the events' time, tables without a parent. */
    private static final Dispatch MONTHLY = new Dispatch(
            "archive.log",
            "id, quo\"te:order, user:User Id, c_texts, c_json:json, ünï, c_timestamp:at",
            "_EVTIME",
            "monthly",
            """
            create table _DEST_TABLE (
                id bigint, "order" text, "User Id" bigint, c_texts text[], json text, "ünï" text, at text,
                noted text not null default 'by default',
                constraint _SCHEMA_TABLE_key unique (id));
            """);

    @TempDir
    Path directory;

    private final List<AutoCloseable> opened = new ArrayList<>();
    private String sourceUrl;
    private Connection source;
    private int rows;

    /** What happens to the program that applies the next batches. */
    private enum Turn {
        OLD,
        OLD_STOPPED_AFTER_A_BATCH,
        /** With pgq_batch_collect_events, which makes one batch of several ticks. */
        OLD_KILLED_WITH_BATCH_COLLECTED,
        OLD_KILLED_BEFORE_COMMIT,
        OLD_KILLED_BEFORE_FINISH,
        OURS,
        OURS_KILLED_BEFORE_COMMIT,
        OURS_KILLED_BEFORE_FINISH,
        OURS_KILLED_ANYWHERE
    }

    @BeforeEach
    void source() throws Exception {
        assumeThat(OldDispatcher.python())
                .as("a Python with pgq, skytools and psycopg2 (package python3-pgq)")
                .isPresent();
        sourceUrl = PgServer.get().createDatabaseWithPgq("handover_source");
        source = open(sourceUrl);
        execute(
                source,
                Files.readString(RESOURCES.resolve("event-log.sql")),
                "create function pick(i bigint, variadic choices text[]) returns text language sql as"
                        + " $$ select choices[1 + i % cardinality(choices)] $$",
                "set time zone 'UTC'",
                "select pgq.create_queue('events')",
                "select pgq.set_queue_config('events', 'ticker_max_lag', '0')",
                "create trigger events after insert or update or delete on \"Event Log\" for each row execute function"
                        + " pgq.logutriga('events')");
    }

    @AfterEach
    void close() throws Exception {
        for (AutoCloseable each : opened) {
            each.close();
        }
    }

    @Test
    void every_column_by_day_with_the_ledger_of_skytools_2() throws Exception {
        Target old = new Target("old", DAILY, LEDGER_OF_2_1);
        Target ours = new Target("ours", DAILY);
        Target both = new Target("both", DAILY, LEDGER_OF_2_1);
        handOver(
                both,
                Turn.OLD_STOPPED_AFTER_A_BATCH,
                Turn.OURS,
                Turn.OLD_KILLED_BEFORE_FINISH,
                Turn.OURS_KILLED_BEFORE_FINISH,
                Turn.OLD,
                Turn.OLD_KILLED_WITH_BATCH_COLLECTED,
                Turn.OURS_KILLED_ANYWHERE,
                Turn.OLD_KILLED_BEFORE_COMMIT,
                Turn.OURS_KILLED_BEFORE_COMMIT,
                Turn.OLD_STOPPED_AFTER_A_BATCH,
                Turn.OURS);
        assertThat(both.value("select string_agg(attname, ' ' order by attnum) from pg_attribute"
                        + " where attrelid = 'pgq_ext.completed_tick'::regclass and attnum > 0"))
                .isEqualTo("consumer_id last_tick_id");
        assertSame(old, ours, both);
        assertThat(ours.copy("select * from \"Event Log\" t order by t::text collate \"C\""))
                .isEqualTo(copy(source, "select * from \"Event Log\" t order by t::text collate \"C\""));
    }

    @Test
    void some_columns_by_month_of_the_event_with_the_ledger_of_skytools_3() throws Exception {
        String ledger = io.pgcaravan.sql.Sql.file("target/pgq_ext");
        Target old = new Target("old", MONTHLY, ledger, "create schema archive");
        Target ours = new Target("ours", MONTHLY, "create schema archive");
        Target both = new Target("both", MONTHLY, ledger, "create schema archive");
        execute(both.connection, "select pgq_ext.set_last_tick('another', 7)");
        handOver(
                both,
                Turn.OURS,
                Turn.OLD_KILLED_BEFORE_COMMIT,
                Turn.OURS_KILLED_ANYWHERE,
                Turn.OLD_STOPPED_AFTER_A_BATCH,
                Turn.OURS_KILLED_BEFORE_COMMIT,
                Turn.OLD_KILLED_BEFORE_FINISH,
                Turn.OURS,
                Turn.OLD_KILLED_WITH_BATCH_COLLECTED,
                Turn.OURS_KILLED_BEFORE_FINISH,
                Turn.OLD);
        assertThat(both.value("select pgq_ext.get_last_tick('another')")).isEqualTo("7");
        assertSame(old, ours, both);
    }

    /** Events come a few batches at a time, while the one or the other has its turn. */
    private void handOver(Target both, Turn... turns) throws Exception {
        for (Turn turn : turns) {
            produce(turn == Turn.OURS_KILLED_ANYWHERE ? 25 : 3);
            both.take(turn);
        }
    }

    private void assertSame(Target old, Target ours, Target both) throws Exception {
        old.take(Turn.OLD);
        ours.take(Turn.OURS);
        Map<String, List<String>> expected = old.tables();
        assertThat(expected).hasSizeGreaterThan(3);
        assertThat(expected.values().stream().mapToInt(List::size).sum()).isGreaterThan(rows);
        for (Target each : List.of(ours, both)) {
            Map<String, List<String>> tables = each.tables();
            assertThat(tables.keySet()).as(each.consumer).isEqualTo(expected.keySet());
            expected.forEach((name, lines) -> assertThat(tables.get(name))
                    .as(each.consumer + "'s " + name)
                    .isEqualTo(lines));
        }
        for (Target each : List.of(old, ours, both)) {
            assertThat(each.tick()).isEqualTo(latestTick());
        }
    }

    /** Batches of rows whose events lie over several months, some of them at the very ends. */
    private void produce(int batches) throws SQLException, IOException {
        String insert = Files.readString(RESOURCES.resolve("insert.sql"));
        for (int i = 0; i < batches; i++) {
            source.setAutoCommit(false);
            execute(
                    source,
                    insert.replace(":from", String.valueOf(rows + 1))
                            .replace(":to", String.valueOf(rows + ROWS_A_BATCH)));
            execute(
                    source,
                    "update " + value(source, "select pgq.current_event_table('events')")
                            + " set ev_time = timestamptz '2026-08-31 23:59:59.999999+00'"
                            + " + ev_id % 7 * interval '20 days' + ev_id % 2 * interval '1 microsecond'"
                            + " where ev_txid = pg_current_xact_id()::text::bigint");
            source.commit();
            source.setAutoCommit(true);
            rows += ROWS_A_BATCH;
            if (i % 3 < 2) {
                // the third has the rows of two transactions
                tick();
            }
        }
        // and one without any
        tick();
        tick();
    }

    private void tick() throws SQLException {
        execute(source, "select pgq.force_tick('events')", "select pgq.ticker('events')");
    }

    private long latestTick() throws SQLException {
        return Long.parseLong(value(source, "select max(tick_id) from pgq.tick"));
    }

    /** A target database and its consumer, registered from the start. */
    private final class Target {

        private final String consumer;
        private final String url;
        private final Connection connection;
        private final OldDispatcher old;
        private final Path route;

        Target(String consumer, Dispatch dispatch, String... before) throws Exception {
            this.consumer = consumer;
            url = PgServer.get().createDatabase("handover_" + consumer);
            connection = open(url);
            execute(connection, "set time zone 'UTC'");
            execute(connection, before);
            execute(connection, Files.readString(RESOURCES.resolve("event-log.sql")));
            execute(source, "select pgq.register_consumer('events', '" + consumer + "')");
            Path ini = Files.writeString(Files.createTempFile(directory, "job-", ".ini"), ini(dispatch));
            old = new OldDispatcher(ini);
            route = Files.writeString(
                    Files.createTempFile(directory, "route-", ".camel.yaml"),
                    JobRoute.yaml(TableDispatcherJob.read(ini, Map.of("loop_delay", "0.1"))));
        }

        private String ini(Dispatch dispatch) {
            return """
                    [table_dispatcher]
                    job_name = %s
                    src_db = %s
                    dst_db = %s
                    pgq_queue_name = events
                    dest_table = %s
                    fields = %s
                    part_field = %s
                    part_method = %s
                    part_template =
                    %s
                    """.formatted(
                            consumer,
                            OldDispatcher.conninfo(sourceUrl),
                            OldDispatcher.conninfo(url),
                            dispatch.destTable,
                            dispatch.fields,
                            dispatch.partField,
                            dispatch.partMethod,
                            dispatch.partTemplate.indent(8).stripTrailing());
        }

        void take(Turn turn) throws Exception {
            switch (turn) {
                case OLD -> old.runToTheEnd();
                case OLD_STOPPED_AFTER_A_BATCH -> old.run(1);
                case OLD_KILLED_WITH_BATCH_COLLECTED -> openBatchOf(5000);
                case OLD_KILLED_BEFORE_COMMIT -> old.runAndKill(2, OldDispatcher.Halt.ROWS);
                case OLD_KILLED_BEFORE_FINISH -> old.runAndKill(2, OldDispatcher.Halt.FINISH);
                case OURS -> {
                    try (Job job = new Job(sourceUrl, url, Map.of(), null, route)) {
                        await().atMost(Duration.ofMinutes(2)).until(() -> tick() == latestTick());
                    }
                }
                case OURS_KILLED_BEFORE_COMMIT -> killOursAt(Moment.ROWS_LOADED);
                case OURS_KILLED_BEFORE_FINISH -> killOursAt(Moment.BEFORE_FINISH);
                case OURS_KILLED_ANYWHERE -> killOursAnywhere();
            }
            awaitNobody();
        }

        /** Each tick that is forced counts as two thousand events. */
        private void openBatchOf(int events) throws SQLException {
            String ticks = PgServer.value(
                    source,
                    "select cur_tick_id - prev_tick_id from pgq.next_batch_custom('events', '" + consumer + "', null, "
                            + events + ", null)");
            assertThat(Integer.parseInt(ticks)).isGreaterThan(1);
        }

        private void killOursAt(Moment moment) throws Exception {
            try (RoutesProcess process = RoutesProcess.start(sourceUrl, url, Map.of(), moment, route)) {
                process.awaitArrival();
                process.kill();
            }
        }

        private void killOursAnywhere() throws Exception {
            long until = tick() + ThreadLocalRandom.current().nextInt(1, 15);
            try (RoutesProcess process = RoutesProcess.start(sourceUrl, url, Map.of(), null, route)) {
                await().atMost(Duration.ofMinutes(2))
                        .pollInterval(Duration.ofMillis(1))
                        .until(() -> tick() >= until);
                process.kill();
            }
        }

        /** What the documentation tells people to wait for after a kill: the old program does not look who else is there. */
        private void awaitNobody() {
            await().atMost(Duration.ofMinutes(1))
                    .until(() -> value("select count(*) from pg_stat_activity where datname = current_database()"
                                    + " and backend_type = 'client backend' and pid <> pg_backend_pid()")
                            .equals("0"));
        }

        /** The target's tick, 0 where there is none. */
        long tick() throws SQLException {
            return value("select to_regclass('pgq_ext.completed_tick')") == null
                    ? 0
                    : Long.parseLong(value("select coalesce(pgq_ext.get_last_tick('" + consumer + "'), 0)"));
        }

        String value(String query) throws SQLException {
            return PgServer.value(connection, query);
        }

        String copy(String query) throws SQLException, IOException {
            return HandOverTest.copy(connection, query);
        }

        /** Every table that a program made, by name: its looks, then its rows as COPY writes them, sorted. */
        Map<String, List<String>> tables() throws SQLException, IOException {
            Map<String, List<String>> tables = new TreeMap<>();
            try (Statement statement = connection.createStatement();
                    ResultSet row = statement.executeQuery(Files.readString(RESOURCES.resolve("tables.sql")))) {
                while (row.next()) {
                    tables.put(row.getString(1), new ArrayList<>(List.of(row.getString(2))));
                }
            }
            for (Map.Entry<String, List<String>> table : tables.entrySet()) {
                String rows = copy("select * from only " + table.getKey() + " t order by t::text collate \"C\"");
                table.getValue().addAll(List.of(rows.split("\n", -1)));
            }
            return tables;
        }
    }

    private Connection open(String url) throws SQLException {
        Connection connection = DriverManager.getConnection(url);
        opened.add(connection);
        return connection;
    }

    private static String copy(Connection connection, String query) throws SQLException, IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        connection.unwrap(PGConnection.class).getCopyAPI().copyOut("copy (" + query + ") to stdout", out);
        return out.toString(StandardCharsets.UTF_8);
    }
}
