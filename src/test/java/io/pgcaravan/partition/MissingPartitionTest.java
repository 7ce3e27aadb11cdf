package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.change;
import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.batch.BadRowException;
import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which rows make partitions, and what is believed of partitions over savepoints, batches and sessions. */
class MissingPartitionTest {

    private static final List<String> KEY = List.of("id");

    private PartitionTarget target;

    @BeforeEach
    void open() throws SQLException {
        target = new PartitionTarget("missing");
        target.execute("create table orders (id int, day date) partition by range (day)");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private static PartitionOptions daily() {
        return new PartitionOptions("orders").with(o -> o.partField = "day");
    }

    @Test
    void bad_values_never_make_a_table() throws SQLException {
        List<RowChange> rows = new ArrayList<>();
        for (String value : new String[] {
            null,
            "",
            "None",
            "infinity",
            "-infinity",
            "0044-03-15 BC",
            "52217-01-01",
            "02/01/2026 05:04 EET",
            "2026-02-30",
            "1969-12-31",
            "1900-01-01",
            "9999-12-31",
            "2026-10-02'); drop table orders; --",
            "2026-10-02 and more"
        }) {
            rows.add(row("id", 1, "day", value));
        }
        rows.add(row("id", 2, "other", "2026-10-02"));

        List<RowChange> placed = target.apply(new Partitioner(daily().settings()), rows.toArray(RowChange[]::new));

        assertThat(placed).isEmpty();
        assertThat(target.rejected).hasSize(rows.size());
        assertThat(target.rejected).allSatisfy(bad -> {
            assertThat(bad.event()).isNotNull();
            assertThat(bad).hasMessageContaining("\"day\"").hasMessageContaining("orders");
        });
        assertThat(target.rejected.get(0)).hasMessageContaining("is NULL");
        assertThat(target.rejected.get(7))
                .hasMessageContaining("'02/01/2026 05:04 EET'")
                .hasMessageContaining("DateStyle");
        assertThat(target.rejected.get(9)).hasMessageContaining("outside the allowed window from 1970-01-01");
        assertThat(target.tables("orders")).containsExactly("orders");
    }

    @Test
    void a_bad_value_stops_a_job_that_stops_at_bad_rows() throws SQLException {
        target.connection.setAutoCommit(false);
        OpenBatch strict =
                new OpenBatch(PartitionTarget.batch(), target.connection, StandardCharsets.UTF_8, (batch, badRow) -> {
                    throw badRow;
                });

        assertThatThrownBy(() -> new Partitioner(daily().settings())
                        .place(strict, List.of(row("id", 1, "day", "2026-10-02"), row("id", 2, "day", "soon"))))
                .isInstanceOf(BadRowException.class)
                .hasMessageContaining("'soon'");
        target.rollback();
    }

    @Test
    void good_rows_among_bad_ones_keep_their_order() throws SQLException {
        List<RowChange> placed = target.apply(
                new Partitioner(daily().settings()),
                row("id", 1, "day", "2026-10-02"),
                row("id", 2, "day", null),
                row("id", 3, "day", "2026-10-03"),
                row("id", 4, "day", "x"),
                row("id", 5, "day", "2026-10-02"));

        assertThat(placed).extracting(row -> row.get("id")).containsExactly("1", "3", "5");
        assertThat(placed.get(0).partition())
                .isSameAs(placed.get(2).partition())
                .isNotNull();
    }

    @Test
    void truncate_has_no_partition() throws SQLException {
        OpenBatch batch = target.open();
        RowChange truncate = change(Op.TRUNCATE, null, List.of());

        assertThat(new Partitioner(daily().settings()).place(batch, List.of(truncate)))
                .containsExactly(truncate);
        assertThat(truncate.partition()).isNull();
        target.rollback();
    }

    @Test
    void the_row_before_an_update_finds_its_partition_and_makes_none() throws SQLException {
        Partitioner partitioner = new Partitioner(daily().settings());
        target.apply(partitioner, row("id", 1, "day", "2026-10-02"));
        RowChange moved = change(
                Op.UPDATE,
                change(Op.UPDATE, null, KEY, "id", 1, "day", "2026-10-02"),
                KEY,
                "id",
                1,
                "day",
                "2026-10-05");
        RowChange fromNowhere = change(
                Op.UPDATE,
                change(Op.UPDATE, null, KEY, "id", 2, "day", "2020-01-01"),
                KEY,
                "id",
                2,
                "day",
                "2026-10-05");
        RowChange fromGarbage = change(
                Op.UPDATE, change(Op.UPDATE, null, KEY, "id", 3, "day", null), KEY, "id", 3, "day", "2026-10-05");

        target.apply(partitioner, moved, fromNowhere, fromGarbage);

        assertThat(moved.before().partition().table().name()).isEqualTo("orders_2026_10_02");
        assertThat(moved.partition().table().name()).isEqualTo("orders_2026_10_05");
        assertThat(fromNowhere.before().partition()).isNull();
        assertThat(fromGarbage.before().partition()).isNull();
        assertThat(target.rejected).isEmpty();
        assertThat(target.tables("orders_")).containsExactly("orders_2026_10_02", "orders_2026_10_05");
    }

    @Test
    void deletes_bring_no_dropped_partition_back_where_the_job_says_so() throws SQLException {
        Partitioner partitioner =
                new Partitioner(daily().with(o -> o.makeForDeletes = false).settings());
        OpenBatch batch = target.open();
        RowChange stale = change(Op.DELETE, null, KEY, "id", 1, "day", "2020-01-01");
        RowChange insert = row("id", 2, "day", "2026-10-02");
        RowChange delete = change(Op.DELETE, null, KEY, "id", 2, "day", "2026-10-02");

        assertThat(partitioner.place(batch, List.of(stale, insert, delete))).containsExactly(insert, delete);
        assertThat(partitioner.place(batch, stale)).isFalse();
        RowChange late = row("id", 3, "day", "2020-01-01");
        assertThat(partitioner.place(batch, late)).isTrue();
        assertThat(partitioner.place(batch, stale)).isTrue();
        PartitionTarget.commit(batch);

        assertThat(stale.partition()).isSameAs(late.partition());
        assertThat(target.tables("orders_")).containsExactly("orders_2020_01_01", "orders_2026_10_02");
    }

    @Test
    void partitions_that_went_with_a_savepoint_are_made_again_and_the_others_kept() throws SQLException {
        Partitioner partitioner = new Partitioner(daily().settings());
        OpenBatch batch = target.open();
        partitioner.place(batch, List.of(row("id", 1, "day", "2026-10-02")));
        Savepoint savepoint = target.connection.setSavepoint();
        partitioner.place(batch, List.of(row("id", 2, "day", "2026-10-03"), row("id", 3, "day", "2026-10-04")));
        target.connection.rollback(savepoint);
        batch.rolledBack();

        for (RowChange row : partitioner.place(
                batch, List.of(row("id", 4, "day", "2026-10-03"), row("id", 5, "day", "2026-10-02")))) {
            PartitionTarget.insert(target.connection, row);
        }
        PartitionTarget.commit(batch);

        assertThat(target.rows("select id, tableoid::regclass from orders order by id"))
                .containsExactly("4|orders_2026_10_03", "5|orders_2026_10_02");
        assertThat(target.tables("orders_")).containsExactly("orders_2026_10_02", "orders_2026_10_03");
    }

    @Test
    void partitions_of_a_batch_that_was_rolled_back_are_not_believed_in() throws SQLException {
        Partitioner partitioner = new Partitioner(daily().settings());
        OpenBatch batch = target.open();
        partitioner.place(batch, List.of(row("id", 1, "day", "2026-10-02")));
        target.rollback();

        target.apply(partitioner, row("id", 1, "day", "2026-10-02"));

        assertThat(target.rows("select id from orders")).containsExactly("1");
    }

    @Test
    void the_batch_after_a_failed_one_brings_back_a_partition_that_someone_dropped() throws SQLException {
        Partitioner partitioner = new Partitioner(daily().settings());
        target.apply(partitioner, row("id", 1, "day", "2026-10-02"));
        target.apply(partitioner, row("id", 2, "day", "2026-10-02"));
        target.execute("drop table orders_2026_10_02");
        assertThatThrownBy(() -> target.apply(partitioner, row("id", 3, "day", "2026-10-02")))
                .isInstanceOfSatisfying(SQLException.class, gone -> assertThat(gone.getSQLState())
                        .isEqualTo("42P01"));

        target.apply(partitioner, row("id", 3, "day", "2026-10-02"));

        assertThat(target.rows("select id from orders")).containsExactly("3");
    }

    @Test
    void a_batch_of_known_partitions_asks_the_target_nothing() throws SQLException {
        Partitioner partitioner = new Partitioner(daily().settings());
        target.apply(partitioner, row("id", 1, "day", "2026-10-02"));
        target.apply(partitioner, row("id", 2, "day", "2026-10-02"));
        OpenBatch batch = target.open();
        String xact = "select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'relation'"
                + " and relation in ('pg_inherits'::regclass, 'pg_partitioned_table'::regclass)";

        partitioner.place(batch, List.of(row("id", 3, "day", "2026-10-02")));

        assertThat(target.rows(xact)).containsExactly("0");
        target.rollback();
    }

    @Test
    void two_sessions_that_need_one_partition_both_get_it() throws Exception {
        target.execute("create table log (id int, day date)");
        ExecutorService sessions = Executors.newFixedThreadPool(4);
        try {
            for (int round = 1; round <= 20; round++) {
                List<Future<?>> all = new ArrayList<>();
                for (int n = 0; n < 4; n++) {
                    String day = "2026-10-" + (round < 10 ? "0" : "") + round;
                    String table = n % 2 == 0 ? "orders" : "log";
                    all.add(sessions.submit(() -> {
                        try (Connection session = target.connect()) {
                            OpenBatch batch = target.open(session);
                            Partitioner partitioner = new Partitioner(new PartitionOptions(table)
                                    .with(o -> o.partField = "day")
                                    .settings());
                            for (RowChange row : partitioner.place(batch, List.of(row("id", 1, "day", day)))) {
                                PartitionTarget.insert(session, row);
                            }
                            PartitionTarget.commit(batch);
                        }
                        return null;
                    }));
                }
                for (Future<?> one : all) {
                    one.get(30, TimeUnit.SECONDS);
                }
            }
        } finally {
            sessions.shutdown();
        }
        assertThat(target.rows("select count(*) from orders union all select count(*) from log"))
                .containsExactly("40", "40");
    }

    @Test
    void two_thousand_partitions_fit_into_one_batch_on_a_server_with_default_settings() throws SQLException {
        target.execute("create table log (id int, day date, primary key (id, day)) partition by range (day)");
        RowChange[] rows = new RowChange[2000];
        LocalDate day = LocalDate.of(2020, 1, 1);
        for (int i = 0; i < rows.length; i++) {
            rows[i] = row("id", i, "day", day.plusDays(i));
        }

        target.apply(
                new Partitioner(new PartitionOptions("log")
                        .with(o -> o.partField = "day")
                        .settings()),
                rows);

        assertThat(target.rows("select count(*), count(distinct tableoid) from log"))
                .containsExactly("2000|2000");
        assertThat(target.rows("select count(*) from pg_constraint where contype = 'c'"
                        + " and conrelid in (select inhrelid from pg_inherits)"))
                .containsExactly("0");
    }

    @Test
    void the_servers_lock_table_is_named_where_it_is_full() throws SQLException {
        try (Connection greedy = target.connect()) {
            PartitionTarget.execute(greedy, """
                    do $$
                    declare n int := 0; step int := 1000;
                    begin
                        while step > 0 loop
                            begin
                                perform pg_advisory_lock(12345, n + i) from generate_series(1, step) i;
                                n := n + step;
                            exception when out_of_memory then
                                step := step / 10;
                            end;
                        end loop;
                        perform pg_advisory_unlock(12345, i) from generate_series(1, 100) i;
                    end $$""");
            RowChange[] rows = new RowChange[100];
            for (int i = 0; i < rows.length; i++) {
                rows[i] = row("id", i, "day", LocalDate.of(2026, 1, 1).plusDays(i));
            }
            assertThatThrownBy(() -> target.apply(new Partitioner(daily().settings()), rows))
                    .isInstanceOfSatisfying(PartitionException.class, full -> assertThat(full.getSQLState())
                            .isEqualTo("53200"))
                    .hasMessageContaining("raise max_locks_per_transaction");
        }
    }
}
