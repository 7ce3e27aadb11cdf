package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What londiste's users have told it about making a partition works as they know it. */
class PartitionMakingTest {

    private PartitionTarget target;

    @BeforeEach
    void open() throws SQLException {
        target = new PartitionTarget("making");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private static PartitionOptions byDay() {
        return new PartitionOptions("public.orders").with(o -> o.partField = "day");
    }

    @Test
    void a_template_in_londistes_style_runs() throws SQLException {
        target.execute("create table orders (id int, day date)");

        target.apply(
                new Partitioner(byDay().with(o -> o.partTemplate = """
                                create table %(dest)s () inherits (%(parent)s);
                                alter table %(part)s add constraint %(schema_table)s_pkey primary key (%(pkeys)s);
                                alter table %(dest)s add check (%(part_field)s >= '%(part_time)s'
                                    and %(part_field)s < '%(part_time)s'::timestamp + interval '1 %(period)s');
                                comment on table %(dest)s is '100 %% of %(parent)s';
                                create index on %(dest)s (%(pkey)s)
                                """).settings()), row("id", 1, "day", "2026-10-02"));

        assertThat(target.rows("select pg_get_constraintdef(oid), conname from pg_constraint"
                        + " where conrelid = 'orders_2026_10_02'::regclass order by 1"))
                .containsExactly(
                        "CHECK (((day >= '2026-10-02'::date) AND (day < ('2026-10-02 00:00:00'::timestamp without time zone"
                                + " + '1 day'::interval))))|orders_2026_10_02_day_check",
                        "PRIMARY KEY (id)|public__orders_2026_10_02_pkey");
        assertThat(target.rows("select obj_description('orders_2026_10_02'::regclass)"))
                .containsExactly("100 % of \"public\".\"orders\"");
    }

    @Test
    void sql_runs_before_and_after_each_partition_is_made() throws SQLException {
        target.execute(
                "create table orders (id int, day date) partition by range (day)",
                "create table steps (n serial, step text)");

        target.apply(
                new Partitioner(byDay().with(o -> {
                            o.prePart = "insert into steps (step) values ('before %(dest)s: ' || coalesce("
                                    + "to_regclass('%(dest)s')::text, 'none'))";
                            o.postPart =
                                    "insert into steps (step) values ('after _DEST_TABLE: ' || '_DEST_TABLE'::regclass);"
                                            + " create index on _DEST_TABLE (id)";
                        })
                        .settings()),
                row("id", 1, "day", "2026-10-02"),
                row("id", 2, "day", "2026-10-03"));
        target.apply(
                new Partitioner(byDay().with(o -> o.prePart = "select 1/0").settings()),
                row("id", 1, "day", "2026-10-02"));

        assertThat(target.rows("select step from steps order by n"))
                .containsExactly(
                        "before \"public\".\"orders_2026_10_02\": none",
                        "before \"public\".\"orders_2026_10_03\": none",
                        "after \"public\".\"orders_2026_10_02\": orders_2026_10_02",
                        "after \"public\".\"orders_2026_10_03\": orders_2026_10_03");
        assertThat(target.rows("select count(*) from pg_indexes where tablename like 'orders_2026%'"))
                .containsExactly("2");
        assertThatThrownBy(() -> target.apply(
                        new Partitioner(
                                byDay().with(o -> o.prePart = "select 1/0").settings()),
                        row("id", 1, "day", "2026-10-04")))
                .hasMessageContaining("division by zero");
        assertThat(target.tables("orders_2026_10_04")).isEmpty();
    }

    @Test
    void a_function_of_the_target_makes_partitions_with_londistes_arguments() throws SQLException {
        target.execute(
                "create schema admin",
                "create table \"Or ders\" (id int, day date)",
                "create table calls (parent text, part text, pkeys text, field text, at timestamptz, period text)",
                """
                create function admin.make_part(i_table text, i_part text, i_pkeys text, i_part_field text,
                    i_part_time timestamptz, i_part_period text) returns int language plpgsql as $$
                begin
                    insert into calls values (i_table, i_part, i_pkeys, i_part_field, i_part_time, i_part_period);
                    execute format('create table %I.%I () inherits (%I.%I)', split_part(i_part, '.', 1),
                        split_part(i_part, '.', 2), split_part(i_table, '.', 1), split_part(i_table, '.', 2));
                    return 1;
                end $$""");

        target.apply(
                new Partitioner(new PartitionOptions("Or ders")
                        .with(o -> {
                            o.partField = "day";
                            o.period = "month";
                            o.timeZone = "Europe/Riga";
                            o.partFunc = "admin.make_part";
                        })
                        .settings()),
                row("id", 1, "day", "2026-10-02"));

        assertThat(target.rows("select * from calls"))
                .containsExactly("public.Or ders|public.Or ders_2026_10|id|day|2026-09-30 21:00:00+00|month");
        assertThat(target.rows("select tableoid::regclass, id from \"Or ders\""))
                .containsExactly("\"Or ders_2026_10\"|1");
    }

    @Test
    void a_function_that_fails_or_makes_nothing_is_named() throws SQLException {
        target.execute(
                "create table orders (id int, day date)",
                "create function nothing(text, text, text, text, timestamptz, text) returns int language sql as 'select 1'");

        assertThatThrownBy(() -> target.apply(
                        new Partitioner(byDay().with(o -> o.partFunc = "absent").settings()),
                        row("id", 1, "day", "2026-10-02")))
                .hasMessageContaining("partFunc absent(parent, partition, key columns, partField, time, period)")
                .hasMessageContaining("does not exist");
        assertThatThrownBy(() -> target.apply(
                        new Partitioner(
                                byDay().with(o -> o.partFunc = "nothing").settings()),
                        row("id", 1, "day", "2026-10-02")))
                .hasMessageContaining("partFunc nothing ran, but made no table public.orders_2026_10_02");
        assertThatThrownBy(() -> byDay().with(o -> {
                            o.partFunc = "a";
                            o.partTemplate = "b";
                            o.prePart = "commit";
                        })
                        .settings())
                .hasMessageContaining("partFunc and partTemplate both")
                .hasMessageContaining("prePart: COMMIT is refused");
        assertThatThrownBy(() -> byDay().with(o -> o.partTemplate = "create table %(dst)s ()")
                        .settings())
                .hasMessageContaining("%(dst)s is unknown; allowed are dest");
    }

    @Test
    void a_table_may_be_loaded_directly_or_not_at_all() throws SQLException {
        target.execute("create table orders (id int, day date)");

        assertThat(target.apply(
                        new Partitioner(new PartitionOptions("orders")
                                .with(o -> o.tableMode = "ignore")
                                .settings()),
                        row("id", 1)))
                .isEmpty();
        Partitioner direct = new Partitioner(
                new PartitionOptions("orders").with(o -> o.tableMode = "direct").settings());
        assertThat(direct.place(target.open(), java.util.List.of(row("id", 1))))
                .singleElement()
                .satisfies(row -> assertThat(row.partition()).isNull());
        target.rollback();
        assertThat(target.tables("orders")).containsExactly("orders");
        assertThatThrownBy(() -> new PartitionOptions("orders")
                        .with(o -> o.tableMode = "split")
                        .settings())
                .hasMessageContaining("tableMode = split: must be part, direct or ignore");
    }
}
