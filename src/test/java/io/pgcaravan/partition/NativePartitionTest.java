package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.batch.OpenBatch;
import io.pgcaravan.row.RowChange;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Partitions of a natively partitioned parent are made with its bounds and everything else that it has. */
class NativePartitionTest {

    private PartitionTarget target;

    @BeforeEach
    void open() throws SQLException {
        target = new PartitionTarget("native");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private static Partitioner daily(String table, String column) {
        return new Partitioner(
                new PartitionOptions(table).with(o -> o.partField = column).settings());
    }

    @Test
    void missing_days_are_made_and_attached() throws SQLException {
        target.execute("create table orders (id int, day date, primary key (id, day)) partition by range (day)");

        target.apply(
                daily("orders", "day"),
                row("id", 1, "day", "2026-10-03"),
                row("id", 2, "day", "2026-10-02"),
                row("id", 3, "day", "2026-10-03"));

        assertThat(target.partitions("orders"))
                .containsExactly(
                        "orders_2026_10_02|FOR VALUES FROM ('2026-10-02') TO ('2026-10-03')",
                        "orders_2026_10_03|FOR VALUES FROM ('2026-10-03') TO ('2026-10-04')");
        assertThat(target.rows("select id, tableoid::regclass from orders order by id"))
                .containsExactly("1|orders_2026_10_03", "2|orders_2026_10_02", "3|orders_2026_10_03");
        assertThat(target.rows("select conname from pg_constraint where contype = 'c'"
                        + " and conrelid = 'orders_2026_10_02'::regclass"))
                .as("the CHECK that spared the scan is gone")
                .isEmpty();
        assertThat(target.rows("select parent_schema, parent_name, partition_schema, partition_name, from_time,"
                        + " to_time from caravan.partition order by partition_name"))
                .containsExactly(
                        "public|orders|public|orders_2026_10_02|2026-10-02 00:00:00+00|2026-10-03 00:00:00+00",
                        "public|orders|public|orders_2026_10_03|2026-10-03 00:00:00+00|2026-10-04 00:00:00+00");
    }

    @Test
    void row_security_of_the_parent_holds_for_its_partitions() throws SQLException {
        String reader = "reader_" + ProcessHandle.current().pid();
        target.execute(
                "create role " + reader,
                "create table orders (id int, day date, who text) partition by range (day)",
                "alter table orders enable row level security",
                "create policy own on orders using (who = current_user)",
                "grant select on orders to " + reader);
        try {
            target.apply(
                    daily("orders", "day"),
                    row("id", 1, "day", "2026-10-02", "who", reader),
                    row("id", 2, "day", "2026-10-02", "who", "other"));
            target.execute("set role " + reader);
            assertThat(target.rows("select id from orders")).containsExactly("1");
            assertThat(target.rows("select id from orders_2026_10_02")).isEmpty();
        } finally {
            target.execute("reset role", "drop owned by " + reader, "drop role " + reader);
        }
    }

    @Test
    void existing_partitions_are_used_under_whatever_name() throws SQLException {
        target.execute(
                "create table orders (id int, day date) partition by range (day)",
                "create table september partition of orders for values from ('2026-09-01') to ('2026-10-01')",
                "create table before partition of orders for values from (minvalue) to ('2026-09-01')");

        List<RowChange> placed = target.apply(
                daily("orders", "day"),
                row("id", 1, "day", "2026-09-03"),
                row("id", 2, "day", "2026-09-30"),
                row("id", 3, "day", "2026-01-01"),
                row("id", 4, "day", "2026-10-01"));

        assertThat(placed.get(0).partition()).isSameAs(placed.get(1).partition());
        assertThat(target.rows("select id, tableoid::regclass from orders order by id"))
                .containsExactly("1|september", "2|september", "3|before", "4|orders_2026_10_01");
    }

    @Test
    void a_partition_that_holds_a_part_of_the_period_is_named() throws SQLException {
        target.execute(
                "create table orders (id int, day date) partition by range (day)",
                "create table first_half partition of orders for values from ('2026-10-01') to ('2026-10-16')");
        Partitioner monthly = new Partitioner(new PartitionOptions("orders")
                .with(o -> {
                    o.partField = "day";
                    o.period = "month";
                })
                .settings());

        assertThatThrownBy(() -> target.apply(monthly, row("id", 1, "day", "2026-10-02")))
                .isInstanceOf(PartitionException.class)
                .hasMessageContaining("first_half already holds 2026-10-01 to 2026-10-16");
    }

    @Test
    void unfit_parents_are_refused_by_the_check() throws SQLException {
        target.execute(
                "create table by_list (id int, day date) partition by list (day)",
                "create table by_hash (id int, day date) partition by hash (day)",
                "create table by_two (id int, day date) partition by range (day, id)",
                "create table by_expression (id int, day date) partition by range ((day + 1))",
                "create table by_text (id int, day text) partition by range (day)",
                "create table by_day (id int, day date) partition by range (day)",
                "create view seen as select * from by_day");

        refused(daily("by_list", "day"), "partitioned by list");
        refused(daily("by_hash", "day"), "partitioned by hash");
        refused(daily("by_two", "day"), "range of 2 columns");
        refused(daily("by_expression", "day"), "range of an expression");
        refused(daily("by_text", "day"), "is of type text");
        refused(daily("by_day", "id"), "by its column \"day\", but the job places rows by column \"id\"");
        refused(daily("by_day", "_EVTIME"), "but the job places rows by event_time");
        refused(daily("seen", "day"), "cannot have partitions (relkind v)");
        refused(daily("nowhere.orders", "day"), "no table nowhere.orders");
        refused(
                new Partitioner(new PartitionOptions("by_day")
                        .with(o -> {
                            o.partField = "day";
                            o.period = "hour";
                        })
                        .settings()),
                "a date, which has no hours");
        daily("by_day", "day").check(target.connection);
    }

    private void refused(Partitioner partitioner, String why) {
        assertThatThrownBy(() -> partitioner.check(target.connection))
                .isInstanceOf(PartitionException.class)
                .hasMessageContaining(why);
    }

    @Test
    void a_taken_name_is_an_error_and_stays_untouched() throws SQLException {
        target.execute(
                "create table orders (id int, day date) partition by range (day)",
                "create table orders_2026_10_02 (mine text)",
                "create view orders_2026_10_03 as select 1",
                "create table orders_2026_10_04 partition of orders for values from ('2020-01-01') to ('2020-01-02')");

        assertThatThrownBy(() -> target.apply(daily("orders", "day"), row("id", 1, "day", "2026-10-02")))
                .isInstanceOf(PartitionException.class)
                .hasMessageContaining("orders_2026_10_02")
                .hasMessageContaining("attach it, rename it or drop it");
        assertThatThrownBy(() -> target.apply(daily("orders", "day"), row("id", 1, "day", "2026-10-03")))
                .hasMessageContaining("something that is not a table");
        assertThatThrownBy(() -> target.apply(daily("orders", "day"), row("id", 1, "day", "2026-10-04")))
                .hasMessageContaining("not for 2026-10-04 to 2026-10-05");
    }

    @Test
    void the_partition_has_all_that_the_parent_has() throws SQLException {
        String owner = "owner_" + System.nanoTime();
        String reader = "Reader " + System.nanoTime();
        target.execute(
                "create role " + owner,
                "create role \"" + reader + "\"",
                "grant create on schema public to " + owner,
                "create table customer (id int primary key)",
                "insert into customer values (1)",
                """
                create table orders (
                    id bigint generated always as identity,
                    day date,
                    customer int references customer deferrable initially deferred,
                    amount numeric default 7 check (amount > 0),
                    twice numeric generated always as (amount * 2) stored,
                    note text collate "C" not null default '',
                    primary key (id, day)
                ) partition by range (day)""",
                "alter table orders alter note set storage external",
                "comment on column orders.note is 'free text'",
                "create index on orders (customer) where amount > 5",
                "create unique index on orders (day, id desc)",
                "create statistics orders_day_customer on day, customer from orders",
                "alter table orders replica identity using index orders_pkey",
                "grant select on orders to public",
                "grant insert, update on orders to \"" + reader + "\" with grant option",
                "grant update (note) on orders to \"" + reader + "\"",
                "alter table orders owner to " + owner);

        target.apply(daily("orders", "day"), row("day", "2026-10-02", "customer", 1));

        assertThat(target.rows("select id, day, customer, amount, twice, note from orders"))
                .containsExactly("1|2026-10-02|1|7|14|");
        String both = "(select count(*) = 2 and count(distinct x) = 1 from (";
        assertThat(
                        target.rows(
                                "select " + both
                                        + "select pg_get_userbyid(relowner) as x from pg_class where relname in ('orders', 'orders_2026_10_02')) o),"
                                        + both
                                        + "select relreplident as x from pg_class where relname in ('orders', 'orders_2026_10_02')) o),"
                                        + both
                                        + "select string_agg(format('%s %s %s', grantee::regrole, privilege_type, is_grantable), ',' order by grantee, privilege_type) as x"
                                        + "  from pg_class, aclexplode(relacl) where relname in ('orders', 'orders_2026_10_02') group by oid) o),"
                                        + both
                                        + "select attacl::text as x from pg_attribute where attname = 'note' and attrelid in ('orders'::regclass, 'orders_2026_10_02'::regclass)) o),"
                                        + both
                                        + "select attstorage as x from pg_attribute where attname = 'note' and attrelid in ('orders'::regclass, 'orders_2026_10_02'::regclass)) o)"))
                .containsExactly("t|t|t|t|t");
        assertThat(target.rows("select col_description('orders_2026_10_02'::regclass, attnum) from pg_attribute"
                        + " where attrelid = 'orders_2026_10_02'::regclass and attname = 'note'"))
                .containsExactly("free text");
        assertThat(target.rows("select count(*) from pg_index where indrelid = 'orders_2026_10_02'::regclass"))
                .containsExactly("3");
        assertThat(target.rows("select count(*) from pg_inherits i join pg_index x on x.indexrelid = i.inhrelid"
                        + " where x.indrelid = 'orders_2026_10_02'::regclass"))
                .as("all are attached to the parent's")
                .containsExactly("3");
        assertThat(target.rows("select contype, conparentid <> 0 from pg_constraint"
                        + " where conrelid = 'orders_2026_10_02'::regclass and contype <> 'c' order by 1"))
                .containsExactly("f|t", "p|t");
        assertThat(target.rows("select bool_and(inhrelid is not null) from pg_statistic_ext s left join pg_inherits i"
                        + " on i.inhrelid = s.stxrelid where s.stxrelid <> 'orders'::regclass"))
                .containsExactly("t");
        assertThatThrownBy(() ->
                        target.apply(daily("orders", "day"), row("day", "2026-10-02", "customer", 1, "amount", -1)))
                .hasMessageContaining("check constraint");
        assertThatThrownBy(() -> target.apply(daily("orders", "day"), row("day", "2026-10-02", "customer", 99)))
                .hasMessageContaining("foreign key");
        target.apply(daily("orders", "day"), row("day", "2026-10-02", "customer", 1));
        assertThat(target.rows("select id > 1 from orders where id > 1"))
                .as("one sequence for all partitions")
                .containsExactly("t");
        target.execute(
                "delete from orders where id > 1", "insert into orders (day, customer) values ('2026-10-02', 1)");
        assertThat(target.rows("select id > 2 from orders where id > 1"))
                .as("the parent counts on")
                .containsExactly("t");
        assertThat(target.rows("select count(*) from pg_attribute where attidentity <> '' and atthasdef"))
                .as("columns with two sources of numbers")
                .containsExactly("0");
    }

    @Test
    void a_foreign_key_is_checked_while_rows_are_loaded() throws SQLException {
        target.execute(
                "create table customer (id int primary key)",
                "create table orders (id int, day date, customer int references customer) partition by range (day)");
        OpenBatch batch = target.open();
        List<RowChange> rows =
                daily("orders", "day").place(batch, List.of(row("id", 1, "day", "2026-10-02", "customer", 5)));

        assertThatThrownBy(() -> PartitionTarget.insert(target.connection, rows.get(0)))
                .as("where a bad row can still be told from the others")
                .hasMessageContaining("violates foreign key constraint");
        target.rollback();
    }

    @Test
    void row_triggers_of_the_parent_see_the_first_rows_too() throws SQLException {
        target.execute(
                "create table orders (id int, day date, at text) partition by range (day)",
                """
                create function stamp() returns trigger language plpgsql as
                $$ begin new.at := 'stamped'; return new; end $$""",
                "create trigger stamp before insert on orders for each row execute function stamp()");

        target.apply(daily("orders", "day"), row("id", 1, "day", "2026-10-02"));

        assertThat(target.rows("select * from orders")).containsExactly("1|2026-10-02|stamped");
    }

    @Test
    void a_table_that_references_itself_is_loaded_attached() throws SQLException {
        target.execute("create table orders (id int, day date, root int, root_day date, primary key (id, day),"
                + " foreign key (root, root_day) references orders) partition by range (day)");

        target.apply(
                daily("orders", "day"),
                row("id", 1, "day", "2026-10-02"),
                row("id", 2, "day", "2026-10-02", "root", 1, "root_day", "2026-10-02"));

        assertThat(target.rows("select count(*) from orders")).containsExactly("2");
    }

    @Test
    void parents_of_other_schemas_and_odd_names_work() throws SQLException {
        String longest = "ö".repeat(26);
        target.execute(
                "create schema \"My Schema\"",
                "create table \"My Schema\".\"Odd.\"\"Log'\" (id int, \"The Day\" timestamp, primary key (id, \"The Day\"))"
                        + " partition by range (\"The Day\")",
                "create table \"" + longest + "\" (id int, day date primary key) partition by range (day)");

        target.apply(daily("My Schema.Odd.\"Log'", "The Day"), row("id", 1, "The Day", "2026-10-02 23:59:59.999"));
        target.apply(daily(longest, "day"), row("id", 1, "day", "2026-10-02"));

        assertThat(target.partitions("\"My Schema\".\"Odd.\"\"Log''\""))
                .containsExactly("\"My Schema\".\"Odd.\"\"Log'_2026_10_02\"|FOR VALUES FROM"
                        + " ('2026-10-02 00:00:00') TO ('2026-10-03 00:00:00')");
        assertThat((longest + "_2026_10_02").getBytes(StandardCharsets.UTF_8)).hasSize(63);
        assertThat(target.partitions("\"" + longest + "\"")).hasSize(1);
    }

    @Test
    void bounds_of_instants_carry_the_time_zones_offset() throws SQLException {
        target.execute("create table orders (id int, at timestamptz) partition by range (at)");
        Partitioner partitioner = new Partitioner(new PartitionOptions("orders")
                .with(o -> {
                    o.partField = "at";
                    o.timeZone = "Europe/Riga";
                })
                .settings());

        target.apply(
                partitioner,
                row("id", 1, "at", "2026-10-01 21:30:00+00"),
                row("id", 2, "at", "2026-10-25 02:30:00+03"),
                row("id", 3, "at", "2026-10-25T23:30:00+0200"),
                row("id", 4, "at", "2026-10-02 20:59:59.9999999Z"),
                row("id", 5, "at", "2026-10-02 20:59:59"));

        target.execute("set timezone to 'Europe/Riga'");
        assertThat(target.partitions("orders"))
                .containsExactly(
                        "orders_2026_10_02|FOR VALUES FROM ('2026-10-02 00:00:00+03') TO ('2026-10-03 00:00:00+03')",
                        "orders_2026_10_03|FOR VALUES FROM ('2026-10-03 00:00:00+03') TO ('2026-10-04 00:00:00+03')",
                        "orders_2026_10_25|FOR VALUES FROM ('2026-10-25 00:00:00+03') TO ('2026-10-26 00:00:00+02')");
        assertThat(target.rows("select id, tableoid::regclass from orders order by id"))
                .containsExactly(
                        "1|orders_2026_10_02",
                        "2|orders_2026_10_25",
                        "3|orders_2026_10_25",
                        "4|orders_2026_10_03",
                        "5|orders_2026_10_02");
    }

    @Test
    void placement_agrees_with_postgresql_for_any_column_type_zone_and_session() throws SQLException {
        String[] values = {
            "2026-10-25 00:59:59.999999",
            "2026-10-24 23:59:59.9999995",
            "2026-10-24 23:59:59.5",
            "2026-10-24 24:00:00",
            "2026-10-24 23:59:60",
            "2026-03-29 03:30:00",
            "2026-10-25 03:30:00",
            "2026-10-25 03:30:00+02",
            "2026-10-25 03:30:00+03",
            "1999-12-31 23:59:59.5",
            "1999-12-31 23:59:59.4999999",
            "2018-02-18 02:30:00Z",
            "2007-11-04 02:40:00Z",
            "2026-10-25",
            "2026-10-25T05:04-11:30",
            "1990-01-01 00:00:00+01:36:34"
        };
        int n = 0;
        for (String type : List.of("date", "timestamp", "timestamp(0)", "timestamptz", "timestamptz(3)")) {
            for (String zone : List.of("UTC", "Europe/Riga", "America/St_Johns", "+05:30")) {
                for (Period period : List.of(Period.HOUR, Period.DAY, Period.WEEK, Period.MONTH)) {
                    if (type.equals("date") && period == Period.HOUR) {
                        continue;
                    }
                    String table = "t" + ++n;
                    target.execute(
                            "set timezone to '" + (n % 2 == 0 ? "UTC" : "America/Sao_Paulo") + "'",
                            "create table " + table + " (id int, at " + type + ") partition by range (at)");
                    Partitioner partitioner = new Partitioner(new PartitionOptions(table)
                            .with(o -> {
                                o.partField = "at";
                                o.period = period.toString();
                                o.timeZone = zone;
                            })
                            .settings());
                    RowChange[] rows = new RowChange[values.length];
                    for (int i = 0; i < values.length; i++) {
                        rows[i] = row("id", i, "at", values[i]);
                    }
                    // each is inserted into its own partition, whose CHECK would refuse a wrong one
                    target.apply(partitioner, rows);
                }
            }
        }
        assertThat(target.rejected).isEmpty();
    }

    @Test
    void other_sessions_read_and_write_the_parent_while_a_batch_is_open() throws SQLException {
        target.execute(
                "create table orders (id int, day date, primary key (id, day)) partition by range (day)",
                "create table orders_2026_09_01 partition of orders for values from ('2026-09-01') to ('2026-09-02')");
        OpenBatch batch = target.open();
        for (RowChange row : daily("orders", "day")
                .place(batch, List.of(row("id", 1, "day", "2026-10-02"), row("id", 1, "day", "2026-10-03")))) {
            PartitionTarget.insert(target.connection, row);
        }
        String parentLocks = "select mode from pg_locks where relation = 'orders'::regclass and pid = "
                + target.rows("select pg_backend_pid()").get(0) + " order by 1";

        assertThat(target.rows(parentLocks))
                .as("before ATTACH the parent is only read")
                .containsExactly("AccessShareLock");
        try (Connection other = target.connect()) {
            useOrders(other, 7);
            batch.beforeCommit();
            assertThat(target.rows(parentLocks)).containsExactly("AccessShareLock", "ShareUpdateExclusiveLock");
            useOrders(other, 8);
            PartitionTarget.commit(batch);
            useOrders(other, 9);
        }
        assertThat(target.rows("select id from orders order by id")).containsExactly("1", "1", "7", "8", "9");
    }

    private static void useOrders(Connection session, int id) throws SQLException {
        PartitionTarget.execute(
                session,
                "set lock_timeout to '2s'",
                "insert into orders values (" + id + ", '2026-09-01')",
                "update orders set id = id where day = '2026-09-01'",
                "select * from orders");
    }

    @Test
    void attaching_scans_nothing_and_builds_nothing() throws SQLException {
        target.execute(
                "create table orders (id int, day date, note text, primary key (id, day)) partition by range (day)");
        target.execute("create index on orders (note)");
        OpenBatch batch = target.open();
        for (RowChange row : daily("orders", "day").place(batch, List.of(row("id", 1, "day", "2026-10-02")))) {
            PartitionTarget.insert(target.connection, row);
        }
        String indexes = "select indexrelid, pg_relation_filenode(indexrelid) from pg_index"
                + " where indrelid = 'orders_2026_10_02'::regclass order by 1";
        List<String> before = target.rows(indexes);
        String scans = "select pg_stat_get_xact_numscans('orders_2026_10_02'::regclass)";
        List<String> scansBefore = target.rows(scans);

        batch.beforeCommit();

        assertThat(target.rows(indexes)).isEqualTo(before).hasSize(2);
        assertThat(target.rows(scans)).isEqualTo(scansBefore);
        PartitionTarget.commit(batch);
        assertThat(target.partitions("orders")).hasSize(1);
    }

    @Test
    void a_default_partition_gives_up_the_rows_that_belong_into_a_new_one() throws SQLException {
        target.execute(
                "create table orders (rubbish int, id int generated always as identity, day date,"
                        + " twice int generated always as (id * 2) stored) partition by range (day)",
                "create table rest (day date, id int not null, twice int generated always as (id * 2) stored)",
                "alter table orders drop column rubbish",
                "alter table orders attach partition rest default",
                "insert into orders (day) values ('2026-10-02'), ('2026-10-03'), ('2026-10-04'), (null)");

        target.apply(daily("orders", "day"), row("id", 10, "day", "2026-10-02"), row("id", 11, "day", "2026-10-04"));

        assertThat(target.rows("select id, day, twice, tableoid::regclass from orders order by id"))
                .containsExactly(
                        "1|2026-10-02|2|orders_2026_10_02",
                        "2|2026-10-03|4|rest",
                        "3|2026-10-04|6|orders_2026_10_04",
                        "4|null|8|rest",
                        "10|2026-10-02|20|orders_2026_10_02",
                        "11|2026-10-04|22|orders_2026_10_04");
        assertThat(target.rows("select conname from pg_constraint where conrelid = 'rest'::regclass and contype = 'c'"))
                .isEmpty();
    }

    @Test
    void rows_that_reach_the_default_partition_during_the_load_move_too() throws SQLException {
        target.execute(
                "create table orders (id int, day date) partition by range (day)",
                "create table rest partition of orders default");
        OpenBatch batch = target.open();
        daily("orders", "day").place(batch, List.of(row("id", 1, "day", "2026-10-02")));
        try (Connection other = target.connect()) {
            PartitionTarget.execute(other, "set lock_timeout to '2s'", "insert into orders values (2, '2026-10-02')");
        }

        PartitionTarget.commit(batch);

        assertThat(target.rows("select id, tableoid::regclass from orders")).containsExactly("2|orders_2026_10_02");
    }

    @Test
    void a_default_partition_that_is_referenced_is_not_emptied_behind_its_references() throws SQLException {
        target.execute(
                "create table orders (id int, day date, primary key (id, day)) partition by range (day)",
                "create table rest partition of orders default",
                "create table item (id int, day date, foreign key (id, day) references orders on delete cascade)",
                "insert into orders values (1, '2026-10-02')",
                "insert into item values (1, '2026-10-02')");

        assertThatThrownBy(() -> target.apply(daily("orders", "day"), row("id", 2, "day", "2026-10-02")))
                .isInstanceOf(PartitionException.class)
                .hasMessageContaining("default partition public.rest holds rows");
        assertThat(target.rows("select count(*) from item")).containsExactly("1");
    }
}
