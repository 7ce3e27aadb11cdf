package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.change;
import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.row.Op;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Templates run as in table_dispatcher. */
class PartTemplateTest {

    private static final String LIKE = """
            create table _DEST_TABLE (like _PARENT);
            alter table only _DEST_TABLE add primary key (_PKEY);
            """;

    private static final String INHERITS = """
            create table _DEST_TABLE () inherits (_PARENT);
            alter table only _DEST_TABLE add constraint _DEST_TABLE_pkey primary key (_PKEY);
            """;

    private PartitionTarget target;

    @BeforeEach
    void open() throws SQLException {
        target = new PartitionTarget("template");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private static Partitioner daily(String table, String template) {
        return new Partitioner(new PartitionOptions(table)
                .with(o -> {
                    o.partField = "day";
                    o.partTemplate = template;
                })
                .settings());
    }

    @Test
    void the_documented_example_with_like_runs_as_printed() throws SQLException {
        target.execute("create table orders (id int, day date)");
        Partitioner partitioner = daily("orders", LIKE);

        target.apply(partitioner, row("id", 1, "day", "2026-10-02"));
        partitioner.forgetSoon();
        target.apply(partitioner, row("id", 2, "day", "2026-10-02"));

        assertThat(target.rows("select * from orders_2026_10_02 order by id"))
                .containsExactly("1|2026-10-02", "2|2026-10-02");
        assertThat(target.rows("select * from orders")).isEmpty();
        assertThat(target.rows("select pg_get_constraintdef(oid) from pg_constraint"
                        + " where conrelid = 'orders_2026_10_02'::regclass and contype = 'p'"))
                .containsExactly("PRIMARY KEY (id)");
    }

    @Test
    void the_documented_example_with_inherits_runs_as_printed() throws SQLException {
        target.execute("create table \"Odd Log\" (\"Id\" int, region text, day date)");

        target.apply(
                daily("public.Odd Log", INHERITS),
                change(Op.INSERT, null, List.of("Id", "region"), "Id", 1, "region", "x", "day", "2026-10-02"));

        assertThat(target.rows("select tableoid::regclass, * from \"Odd Log\""))
                .containsExactly("\"Odd Log_2026_10_02\"|1|x|2026-10-02");
        assertThat(target.rows("select conname, pg_get_constraintdef(oid) from pg_constraint"
                        + " where conrelid = '\"Odd Log_2026_10_02\"'::regclass and contype = 'p'"))
                .containsExactly("Odd Log_2026_10_02_pkey|PRIMARY KEY (\"Id\", region)");
    }

    @Test
    void no_parent_is_needed() throws SQLException {
        Partitioner partitioner = daily(
                "log",
                "create table _DEST_TABLE (id int primary key, day text); create index _SCHEMA_TABLE_day on _DEST_TABLE (day)");

        target.apply(partitioner, row("id", 1, "day", "2026-10-02"));

        assertThat(target.rows("select * from log_2026_10_02")).containsExactly("1|2026-10-02");
    }

    @Test
    void without_parent_and_template_the_error_says_what_to_create() {
        assertThatThrownBy(() -> target.apply(daily("orders", null), row("id", 1, "day", "2026-10-02")))
                .isInstanceOf(PartitionException.class)
                .hasMessageContaining("no table orders on the target")
                .hasMessageContaining("create it")
                .hasMessageContaining("partTemplate");
    }

    @Test
    void a_table_made_for_a_native_parent_is_attached() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");

        target.apply(daily("orders", LIKE), row("id", 1, "day", "2026-10-02"));

        assertThat(target.partitions("orders"))
                .containsExactly("orders_2026_10_02|FOR VALUES FROM ('2026-10-02') TO ('2026-10-03')");
        assertThat(target.rows("select id from orders")).containsExactly("1");
    }

    @Test
    void a_template_may_attach_by_itself() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");

        target.apply(
                daily(
                        "orders",
                        "create table _DEST_TABLE partition of _PARENT for values from ('2026-10-02') to ('2026-10-03')"),
                row("id", 1, "day", "2026-10-02"));

        assertThat(target.rows("select id from orders")).containsExactly("1");
    }

    @Test
    void a_key_is_asked_for_where_the_event_has_none() throws SQLException {
        target.execute("create table orders (id int, day date)");

        assertThatThrownBy(() -> target.apply(
                        daily("orders", LIKE), change(Op.INSERT, null, List.of(), "id", 1, "day", "2026-10-02")))
                .isInstanceOf(PartitionException.class)
                .hasMessageContaining("_PKEY")
                .hasMessageContaining("names no key columns");
    }

    @Test
    void a_template_that_makes_no_table_is_named() throws SQLException {
        target.execute("create table orders (id int, day date)");

        assertThatThrownBy(() -> target.apply(daily("orders", "select 1"), row("id", 1, "day", "2026-10-02")))
                .isInstanceOf(PartitionException.class)
                .hasMessageContaining("made no table public.orders_2026_10_02");
    }
}
