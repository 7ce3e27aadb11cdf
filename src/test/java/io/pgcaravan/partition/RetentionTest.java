package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.partition.retention.OldPartitions;
import io.pgcaravan.partition.retention.Upkeep;
import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import io.pgcaravan.sql.Sql;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Partitions that hold nothing younger than the retention period go; nothing else does. */
class RetentionTest {

    /** Earlier than any clock that the tests run by, so that it is the one that counts. */
    private static final Instant NOW = Instant.parse("2024-06-15T12:00:00Z");

    private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);

    private PartitionTarget target;

    @BeforeEach
    void open() throws SQLException {
        target = new PartitionTarget("retention");
        target.execute(Sql.file("target/caravan.position"));
        lastTick("2024-06-15 11:59");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private void lastTick(String time) throws SQLException {
        target.execute(
                "delete from caravan.position",
                "insert into caravan.position (consumer, queue, source_system, source_database, tick, tick_time, event_seq,"
                        + " rows) values ('loader', 'orders', '1', 'shop', 12, '" + time + "', 1, 1)");
    }

    private static PartitionOptions keeping(String period) {
        return new PartitionOptions("orders").with(o -> {
            o.partField = "day";
            o.retentionPeriod = period;
        });
    }

    private static Partitioner partitioner(PartitionSettings settings) {
        return new Partitioner(settings, CLOCK);
    }

    private Upkeep.Round round(PartitionSettings settings) throws SQLException {
        return round(settings, partitioner(settings));
    }

    private Upkeep.Round round(PartitionSettings settings, Partitioner partitioner) throws SQLException {
        return new Upkeep(settings, partitioner, CLOCK).round(target.connection, "loader");
    }

    private static RowChange[] days(String... days) {
        List<RowChange> rows = new ArrayList<>();
        for (String day : days) {
            rows.add(row("id", rows.size(), "day", day));
        }
        return rows.toArray(new RowChange[0]);
    }

    @Test
    void partitions_go_by_their_bounds_and_never_by_their_names() throws SQLException {
        target.execute(
                "create table orders (id int, day date) partition by range (day)",
                "create table \"Other s\" (id int, day date) partition by range (day)",
                "create schema archive");
        PartitionSettings settings =
                keeping("30 days").with(o -> o.oldest = "2000-01-01").settings();
        target.apply(partitioner(settings), days("2024-05-10", "2024-05-15", "2024-05-16", "2024-06-14"));
        target.execute(
                "create table orders_2024_01_01 (id int, day date)",
                "create table orders_2024_01_02 partition of \"Other s\" for values from ('2024-01-02') to ('2024-01-03')",
                "create table archive.orders_2024_01_03 (id int, day date)",
                "create table archive.orders (id int, day date) partition by range (day)",
                "create table archive.orders_2024_01_04 partition of archive.orders"
                        + " for values from ('2024-01-04') to ('2024-01-05')",
                "create table orders_2020_01_01 partition of orders for values from ('2024-07-01') to ('2024-08-01')",
                "create table orders_last partition of orders for values from ('2025-01-01') to (maxvalue)",
                // theirs by bounds, whatever they are called and whoever made them
                "create table \"Odd one\" (id int, day date)",
                "alter table orders attach partition \"Odd one\" for values from ('2024-03-01') to ('2024-04-01')",
                "create table sub partition of orders for values from ('2024-02-01') to ('2024-03-01')"
                        + " partition by list (id)",
                "create table sub_1 partition of sub for values in (1)",
                "create table orders_9999_12_31 partition of orders for values from (minvalue) to ('2024-02-01')");
        List<String> others = target.rows("select oid from pg_class where relname ~ '^orders_2024_01'");

        Upkeep.Round round = round(settings);

        assertThat(round.problems()).isEmpty();
        assertThat(target.partitions("orders"))
                .extracting(line -> line.substring(0, line.indexOf('|')))
                .containsExactly("orders_2020_01_01", "orders_2024_05_16", "orders_2024_06_14", "orders_last");
        assertThat(target.tables("sub")).isEmpty();
        assertThat(target.tables("Odd")).isEmpty();
        assertThat(target.rows("select oid from pg_class where relname ~ '^orders_2024_01'"))
                .isEqualTo(others)
                .hasSize(4);
        assertThat(round.done()).hasSize(5).allMatch(line -> line.startsWith("dropped public."));
        assertThat(target.rows("select partition_name from caravan.partition order by 1"))
                .containsExactly("orders_2024_05_16", "orders_2024_06_14");
        assertThat(target.rows("select partition_name, action, done_at is not null from caravan.retired_partition"
                        + " where partition_name = 'orders_2024_05_15'"))
                .containsExactly("orders_2024_05_15|drop|t");
        assertThat(target.rows("show lock_timeout")).containsExactly("0");

        assertThat(round(settings).done()).isEmpty();
    }

    @Test
    void a_default_partition_stays_and_keeps_others_from_going_concurrently_only() throws SQLException {
        target.execute(
                "create table orders (id int, day date) partition by range (day)",
                "create table orders_rest partition of orders default",
                "insert into orders values (1, '1999-01-01')");
        PartitionSettings settings = keeping("1 month").settings();
        target.apply(partitioner(settings), days("2024-05-01", "2024-06-01"));
        try (Connection reader = target.connect()) {
            reader.setAutoCommit(false);
            PartitionTarget.rows(reader, "select count(*) from orders");
            assertThat(round(settings).problems())
                    .singleElement()
                    .asString()
                    .contains("orders_2024_05_01", "lock timeout");
            assertThat(target.rows("select count(*) from orders")).containsExactly("3");
            reader.rollback();
        }

        assertThat(round(settings).problems()).isEmpty();

        assertThat(target.tables("orders_")).containsExactly("orders_2024_06_01", "orders_rest");
        assertThat(target.rows("select count(*) from orders")).containsExactly("2");
    }

    @Test
    void a_day_ends_when_it_does_in_the_jobs_time_zone() throws SQLException {
        // now is 12:00 in UTC and 15:00 in Riga: 39 hours before, it was 21:00 and midnight
        for (String type : new String[] {"date", "timestamp", "timestamptz"}) {
            for (String zone : new String[] {"UTC", "Europe/Riga"}) {
                target.execute("create table orders (id int, day " + type + ") partition by range (day)");
                PartitionSettings settings =
                        keeping("39 hours").with(o -> o.timeZone = zone).settings();
                target.apply(partitioner(settings), days("2024-06-13 12:00", "2024-06-14 12:00"));

                round(settings);

                assertThat(target.tables("orders_"))
                        .as(type + " in " + zone)
                        .isEqualTo(
                                zone.equals("UTC")
                                        ? List.of("orders_2024_06_13", "orders_2024_06_14")
                                        : List.of("orders_2024_06_14"));
                target.execute("drop table orders");
            }
        }
    }

    @Test
    void of_tables_that_inherit_those_go_that_were_made_for_the_job() throws SQLException {
        target.execute("create table orders (id int, day date)");
        PartitionSettings settings = keeping("P30D").settings();
        target.apply(partitioner(settings), days("2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04", "2024-06-01"));
        target.execute(
                "create table orders_2024_04_30 () inherits (orders)",
                "create table orders_2024_04_29 (id int, day date)",
                // taken out of the table by hand, to be kept
                "alter table orders_2024_05_02 no inherit orders",
                // whoever made this one anew owns it
                "drop table orders_2024_05_03",
                "create table other (id int, day date)",
                "create table orders_2024_05_03 () inherits (other)",
                // and this one holds what its record does not say
                "alter table orders_2024_05_04 drop constraint pgcaravan_bounds",
                "insert into orders_2024_05_04 values (7, '2024-06-10')");

        Upkeep.Round round = round(settings);

        assertThat(target.tables("orders_"))
                .containsExactly(
                        "orders_2024_04_29",
                        "orders_2024_04_30",
                        "orders_2024_05_02",
                        "orders_2024_05_03",
                        "orders_2024_05_04",
                        "orders_2024_06_01");
        assertThat(round.problems())
                .singleElement()
                .asString()
                .contains("public.orders_2024_05_04 holds rows that are not before 2024-05-05");
    }

    @Test
    void tables_without_a_parent_go_by_the_record_of_what_was_made() throws SQLException {
        PartitionSettings settings = keeping("30 days")
                .with(o -> o.partTemplate = "create table _DEST_TABLE (id int, day date)")
                .settings();
        target.apply(partitioner(settings), days("2024-05-01", "2024-06-01"));
        target.execute("create table orders_2024_04_30 (id int, day date)");

        assertThat(round(settings).problems()).isEmpty();

        assertThat(target.tables("orders_")).containsExactly("orders_2024_04_30", "orders_2024_06_01");
        assertThatThrownBy(() -> new OldPartitions(
                                settings, new Retention(RetentionPeriod.parse("1 day"), Retention.Action.DETACH))
                        .plan(target.connection, NOW))
                .hasMessageContaining("table public.orders does not exist, so its partitions cannot be detached");
    }

    @Test
    void what_others_depend_on_stays_as_it_is_and_the_reason_is_told() throws SQLException {
        target.execute("create table orders (id int, day date, primary key (id, day)) partition by range (day)");
        PartitionSettings settings = keeping("30 days").settings();
        target.apply(partitioner(settings), days("2024-05-01", "2024-05-02", "2024-05-03", "2024-05-04"));
        target.execute(
                "create table bill (id int, day date, foreign key (id, day) references orders_2024_05_01)",
                "create view report as select * from orders_2024_05_02",
                "create table line (id int, day date, foreign key (id, day) references orders)",
                "insert into line values (2, '2024-05-03')");

        Upkeep.Round round = round(settings);

        assertThat(round.kept())
                .hasSize(2)
                .anyMatch(text -> text.contains("orders_2024_05_01")
                        && text.contains("foreign key bill_id_day_fkey of bill references it"))
                .anyMatch(text -> text.contains("orders_2024_05_02") && text.contains("the view report is made of it"));
        assertThat(round.problems())
                .singleElement()
                .asString()
                .contains("orders_2024_05_03", "delete the rows that reference it first");
        assertThat(target.partitions("orders")).hasSize(3);
        assertThat(target.tables("orders_")).hasSize(3);

        target.execute("delete from line", "drop view report", "drop table bill");
        Upkeep.Round free = round(settings);
        assertThat(free.problems()).isEmpty();
        assertThat(free.kept()).isEmpty();
        assertThat(target.tables("orders_")).isEmpty();
    }

    @Test
    void a_long_reader_holds_up_neither_loading_nor_other_readers() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");
        PartitionSettings settings = keeping("30 days").settings();
        Partitioner loading = partitioner(settings);
        target.apply(loading, days("2024-05-01", "2024-05-02", "2024-06-01"));
        try (Connection session = target.connect();
                Connection reader = target.connect()) {
            reader.setAutoCommit(false);
            assertThat(PartitionTarget.rows(reader, "select count(*) from orders"))
                    .containsExactly("3");

            Upkeep.Round held = new Upkeep(settings, loading, CLOCK).round(session, "loader");

            assertThat(held.done()).isEmpty();
            assertThat(held.problems())
                    // PostgreSQL 13 cannot begin with one: each is tried
                    .hasSize(detachesConcurrently() ? 1 : 2)
                    .allMatch(text -> text.contains("a long query"))
                    .element(0)
                    .asString()
                    .contains("Cannot drop partition public.orders_2024_05_01 of public.orders");
            // new partitions and old rows are loaded meanwhile, one of them of the partition on its way out
            target.apply(
                    loading,
                    row("id", 4, "day", "2024-06-02"),
                    row("id", 5, "day", "2024-05-02"),
                    row("id", 6, "day", "2024-05-01"));
            assertThat(target.rows("select count(*) from orders where day > '2024-05-01'"))
                    .containsExactly("4");
            reader.commit();

            Upkeep.Round free = new Upkeep(settings, loading, CLOCK).round(session, "loader");

            assertThat(free.problems()).isEmpty();
            assertThat(target.tables("orders_")).containsExactly("orders_2024_06_01", "orders_2024_06_02");
        }
        // what is older than the period is placed all the same, until the next round
        target.apply(loading, days("2024-05-01"));
        assertThat(target.tables("orders_2024_05")).containsExactly("orders_2024_05_01");
        round(settings, loading);
        assertThat(target.tables("orders_2024_05")).isEmpty();
    }

    @Test
    void a_reader_of_a_table_that_inherits_makes_it_wait_without_a_queue_behind_it() throws SQLException {
        target.execute("create table orders (id int, day date)");
        PartitionSettings settings = keeping("30 days").settings();
        target.apply(partitioner(settings), days("2024-05-01", "2024-05-02"));
        try (Connection reader = target.connect()) {
            reader.setAutoCommit(false);
            PartitionTarget.rows(reader, "select * from orders_2024_05_01");

            Upkeep.Round round = round(settings);

            assertThat(round.problems()).singleElement().asString().contains("orders_2024_05_01", "lock timeout");
            assertThat(round.done()).singleElement().asString().contains("orders_2024_05_02");
        }
    }

    @Test
    void a_detached_table_stays_for_people_and_late_rows_are_left_out() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");
        PartitionSettings settings = keeping("30 days")
                .with(o -> {
                    o.retention = "detach";
                    o.ignoreOldEvents = true;
                })
                .settings();
        PartitionSettings first = keeping("30 days").settings();
        target.apply(partitioner(first), days("2024-05-01", "2024-06-01"));

        Upkeep.Round round = round(settings);

        assertThat(round.problems()).isEmpty();
        assertThat(round.done()).singleElement().asString().contains("detached public.orders_2024_05_01");
        assertThat(target.rows("select * from orders_2024_05_01")).containsExactly("0|2024-05-01");
        assertThat(target.rows("select partition_name from caravan.partition")).containsExactly("orders_2024_06_01");

        Partitioner loading = partitioner(settings);
        assertThat(target.apply(loading, days("2024-05-01", "2024-06-01", "2024-04-01")))
                .hasSize(1);
        assertThat(loading.ignoredRows()).isEqualTo(2);
        assertThat(target.rejected).isEmpty();
        assertThat(target.tables("orders_")).containsExactly("orders_2024_05_01", "orders_2024_06_01");
        // a row that leaves the detached table: there is nothing to move away from
        RowChange moved = PartitionTarget.change(
                Op.UPDATE, row("id", 0, "day", "2024-05-01"), List.of("id"), "id", 0, "day", "2024-06-01");
        target.apply(loading, moved);
        assertThat(moved.before().partition()).isNull();

        assertThat(round(settings).done()).isEmpty();
        assertThat(round(keeping("30 days").settings()).done())
                .as("a detached table is never dropped, also where the job drops from now on")
                .isEmpty();
    }

    @Test
    void tables_that_inherit_are_detached_too() throws SQLException {
        target.execute("create table orders (id int, day date)");
        target.apply(partitioner(keeping("30 days").settings()), days("2024-05-01", "2024-06-01"));

        PartitionSettings settings = keeping("30 days")
                .with(o -> {
                    o.retention = "detach";
                    o.ignoreOldEvents = true;
                })
                .settings();
        assertThat(round(settings).done()).hasSize(1);

        assertThat(target.rows("select count(*) from orders")).containsExactly("1");
        assertThat(target.rows("select count(*) from orders_2024_05_01")).containsExactly("1");
    }

    @Test
    void what_was_interrupted_after_the_detach_is_dropped_later_and_what_people_detached_is_not() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");
        PartitionSettings settings = keeping("30 days").settings();
        target.apply(partitioner(settings), days("2024-05-01", "2024-05-02", "2024-05-03"));
        assertThat(round(keeping("P45D").settings()).done()).isEmpty();
        target.execute(
                Sql.file("target/caravan.retired_partition"),
                """
                insert into caravan.retired_partition
                    (parent_schema, parent_name, partition_schema, partition_name, partition_oid, to_time, action)
                values ('public', 'orders', 'public', 'orders_2024_05_01', 'orders_2024_05_01'::regclass, '2024-05-02', 'drop')
                """,
                "alter table orders detach partition orders_2024_05_01",
                "alter table orders detach partition orders_2024_05_02",
                "alter table orders detach partition orders_2024_05_03"
                        + (detachesConcurrently() ? " concurrently" : ""));

        assertThat(round(settings).problems()).isEmpty();

        assertThat(target.tables("orders_")).containsExactly("orders_2024_05_02", "orders_2024_05_03");
    }

    @Test
    void nothing_goes_while_the_clocks_disagree() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");
        PartitionSettings settings = keeping("30 days").settings();
        target.apply(partitioner(settings), days("2024-05-01"));
        lastTick("2024-05-10 12:00");

        assertThat(round(settings).problems())
                .singleElement()
                .asString()
                .contains("last batch of consumer \"loader\"", "a clock is wrong");
        assertThat(target.tables("orders_")).hasSize(1);

        target.execute("delete from caravan.position");
        Upkeep.Round round = round(settings);
        assertThat(round.early()).isTrue();
        assertThat(target.tables("orders_")).hasSize(1);
    }

    @Test
    void the_clock_that_is_behind_counts() throws SQLException {
        Instant there = Upkeep.now(target.connection);

        assertThat(Upkeep.now(target.connection, Clock.fixed(NOW, ZoneOffset.UTC)))
                .isEqualTo(NOW);
        assertThat(Upkeep.now(target.connection, Clock.fixed(Instant.parse("2999-01-01T00:00:00Z"), ZoneOffset.UTC)))
                .isBetween(there, there.plusSeconds(600));
    }

    @Test
    void one_process_at_a_time_takes_partitions_away() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");
        PartitionSettings settings = keeping("30 days").settings();
        target.apply(partitioner(settings), days("2024-05-01"));
        try (Connection other = target.connect()) {
            PartitionTarget.execute(
                    other, "select pg_advisory_lock(x'70676372'::int, 'orders'::regclass::oid::bigint::bit(32)::int)");
            Upkeep.Round round = round(settings);
            assertThat(round.done()).isEmpty();
            assertThat(round.problems()).isEmpty();
            PartitionTarget.execute(other, "select pg_advisory_unlock_all()");
        }
        assertThat(round(settings).done()).hasSize(1);
    }

    private boolean detachesConcurrently() throws SQLException {
        return target.rows("select current_setting('server_version_num')::int >= 140000")
                .contains("t");
    }
}
