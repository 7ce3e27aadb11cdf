package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.partition.PartitionBound.Remainder;
import io.pgcaravan.row.RowChange;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A fixed number of partitions, by the hash of a column. */
class HashPartitionTest {

    private PartitionTarget target;

    @BeforeEach
    void open() throws SQLException {
        target = new PartitionTarget("hash");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private static PartitionOptions by(String table, int partitions) {
        return new PartitionOptions(table).with(o -> {
            o.partMode = "hash";
            o.partField = "id";
            o.partitions = partitions;
        });
    }

    private static RowChange[] hundred() {
        RowChange[] rows = new RowChange[100];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = row("id", i);
        }
        return rows;
    }

    @Test
    void a_native_parent_has_all_its_partitions_made_and_routes_the_rows_itself() throws SQLException {
        target.execute("create table orders (id int primary key) partition by hash (id)");

        target.apply(new Partitioner(by("orders", 12).settings()), hundred());

        assertThat(target.partitions("orders"))
                .hasSize(12)
                .startsWith("orders_00|FOR VALUES WITH (modulus 12, remainder 0)")
                .endsWith("orders_11|FOR VALUES WITH (modulus 12, remainder 11)");
        assertThat(target.rows("select count(*), count(distinct tableoid) from orders"))
                .containsExactly("100|12");
        assertThat(target.rows("select count(*) from pg_constraint where contype = 'c'"
                        + " and conrelid in (select inhrelid from pg_inherits)"))
                .as("no CHECK is left")
                .containsExactly("0");
    }

    @Test
    void partitions_of_another_modulus_count() throws SQLException {
        target.execute(
                "create table orders (id int primary key) partition by hash (id)",
                "create table even partition of orders for values with (modulus 2, remainder 0)");

        target.apply(new Partitioner(by("orders", 4).settings()), hundred());

        assertThat(target.partitions("orders"))
                .containsExactly(
                        "even|FOR VALUES WITH (modulus 2, remainder 0)",
                        "orders_1|FOR VALUES WITH (modulus 4, remainder 1)",
                        "orders_3|FOR VALUES WITH (modulus 4, remainder 3)");
    }

    @Test
    void what_is_missing_is_worked_out_over_different_moduli() {
        assertThat(Remainder.missing(List.of(), 2)).containsExactly(new Remainder(2, 0), new Remainder(2, 1));
        assertThat(Remainder.missing(List.of(new Remainder(1, 0)), 8)).isEmpty();
        assertThat(Remainder.missing(List.of(new Remainder(4, 0), new Remainder(4, 2), new Remainder(8, 1)), 2 * 4))
                .containsExactly(new Remainder(8, 3), new Remainder(8, 5), new Remainder(8, 7));
        assertThat(Remainder.missing(List.of(new Remainder(6, 0), new Remainder(6, 3)), 3))
                .containsExactly(new Remainder(3, 1), new Remainder(3, 2));
        assertThatThrownBy(() -> Remainder.missing(List.of(new Remainder(6, 0)), 3))
                .hasMessageContaining("for a part of remainder 0 of 3");
    }

    @Test
    void a_hash_partition_is_where_the_documented_expression_says() throws SQLException {
        target.execute("create table log (id text)");

        target.apply(new Partitioner(by("log", 4).settings()), hundred());
        target.apply(new Partitioner(by("log", 4).settings()), row("id", "Ūū & co"), row("id", null));

        assertThat(target.rows("select count(distinct tableoid) from log")).containsExactly("4");
        assertThat(target.rows("select count(*) from log where tableoid <> ('log_' || coalesce("
                        + "('x' || left(md5(id), 8))::bit(32)::bigint % 4, 0))::regclass"))
                .containsExactly("0");
        assertThat(target.rows("select tableoid::regclass from log where id is null"))
                .containsExactly("log_0");
    }

    @Test
    void without_a_parent_the_template_makes_each() throws SQLException {
        target.apply(
                new Partitioner(by("gone", 3)
                        .with(o -> {
                            o.partTemplate = "create table _DEST_TABLE (id int)";
                            o.partName = "%(parent)s_p%(remainder)s";
                        })
                        .settings()),
                hundred());

        assertThat(target.tables("gone_")).containsExactly("gone_p0", "gone_p1", "gone_p2");
    }

    @Test
    void settings_that_make_no_sense_are_refused_together() throws SQLException {
        assertThatThrownBy(() -> new PartitionOptions("orders")
                        .with(o -> {
                            o.partMode = "hash";
                            o.retentionPeriod = "30 days";
                            o.ahead = 2;
                            o.partName = "orders";
                        })
                        .settings())
                .hasMessageContaining("partMode = hash needs partField")
                .hasMessageContaining("partMode = hash needs partitions")
                .hasMessageContaining("retentionPeriod has no meaning with partMode = hash")
                .hasMessageContaining("ahead has no meaning")
                .hasMessageContaining("needs %(remainder)s, or several partitions");
        target.execute("create table orders (id int) partition by list (id)");
        assertThatThrownBy(() -> new Partitioner(by("orders", 2).settings()).check(target.connection))
                .hasMessageContaining("partitioned by list; partMode = hash needs");
        target.execute("drop table orders", "create table orders (id int, b int) partition by hash (b)");
        assertThatThrownBy(() -> new Partitioner(by("orders", 2).settings()).check(target.connection))
                .hasMessageContaining("set partField = b");
    }
}
