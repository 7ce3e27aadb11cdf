package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.change;
import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.row.Op;
import io.pgcaravan.row.RowChange;
import java.sql.SQLException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A partition for each value of a column. */
class ListPartitionTest {

    private static final String WHERE = "select tableoid::regclass, id from orders order by id";

    private PartitionTarget target;

    @BeforeEach
    void open() throws SQLException {
        target = new PartitionTarget("list");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    private static PartitionOptions byRegion() {
        return new PartitionOptions("orders").with(o -> {
            o.partMode = "list";
            o.partField = "region";
        });
    }

    private static Partitioner partitioner() {
        return new Partitioner(byRegion().settings());
    }

    @Test
    void a_native_parent_gets_a_partition_for_each_value_and_one_for_null() throws SQLException {
        target.execute(
                "create table orders (id int, region text, primary key (id, region)) partition by list (region)");
        target.execute(
                "alter table orders drop constraint orders_pkey", "alter table orders alter region drop not null");

        target.apply(
                partitioner(),
                row("id", 1, "region", "EU"),
                row("id", 2, "region", "eu"),
                row("id", 3, "region", null),
                row("id", 4, "region", "null"),
                row("id", 5, "region", ""),
                row("id", 6, "region", "it's \"odd\" \\ Ūū"),
                row("id", 7, "region", "x".repeat(100)),
                row("id", 8, "region", "EU"));

        assertThat(target.rows("select count(distinct tableoid), count(*) from orders"))
                .containsExactly("7|8");
        assertThat(target.rows("select tableoid::regclass, id from orders where id in (1, 2, 3, 8) order by id"))
                .containsExactly("\"orders_EU\"|1", "orders_eu|2", "orders_null|3", "\"orders_EU\"|8");
        assertThat(target.partitions("orders"))
                .contains(
                        "\"orders_EU\"|FOR VALUES IN ('EU')",
                        "orders_null|FOR VALUES IN (NULL)",
                        "orders_null_74234e98|FOR VALUES IN ('null')",
                        "orders__e3b0c442|FOR VALUES IN ('')")
                .anySatisfy(part -> assertThat(part).startsWith("orders_it_s__odd______"))
                .anySatisfy(
                        part -> assertThat(part).matches("orders_x{47}_[0-9a-f]{8}\\|FOR VALUES IN \\('x{100}'\\)"));
        assertThat(target.rows("select count(*) from pg_constraint where conname like 'pgcaravan%'"))
                .as("bounds are left to the server")
                .containsExactly("0");
        target.execute("insert into orders values (9, 'EU')");
        assertThat(target.rows("select tableoid::regclass from orders where id = 9"))
                .containsExactly("\"orders_EU\"");
    }

    @Test
    void texts_of_one_value_go_to_one_partition() throws SQLException {
        target.execute("create table orders (id int, region numeric(6,1)) partition by list (region)");

        target.apply(partitioner(), row("id", 1, "region", "7"), row("id", 2, "region", "07.00"));
        target.apply(partitioner(), row("id", 3, "region", "7.04"), row("id", 4, "region", "-3"));

        assertThat(target.rows(WHERE))
                .containsExactly(
                        "orders_7_0_0de7cf39|1",
                        "orders_7_0_0de7cf39|2",
                        "orders_7_0_0de7cf39|3",
                        target.rows("select tableoid::regclass from orders where id = 4")
                                        .get(0) + "|4");
        assertThat(target.partitions("orders")).hasSize(2);
    }

    @Test
    void existing_partitions_take_their_values_whatever_they_are_called() throws SQLException {
        target.execute(
                "create table orders (id int, region text) partition by list (region)",
                "create table orders_europe partition of orders for values in ('EU', 'UK', 'it''s', null)");

        target.apply(
                partitioner(),
                row("id", 1, "region", "EU"),
                row("id", 2, "region", "it's"),
                row("id", 3, "region", null),
                row("id", 4, "region", "US"));

        assertThat(target.rows(WHERE))
                .containsExactly("orders_europe|1", "orders_europe|2", "orders_europe|3", "\"orders_US\"|4");
    }

    @Test
    void the_default_partition_gives_up_the_rows_of_a_new_one() throws SQLException {
        target.execute(
                "create table orders (id int, region text) partition by list (region)",
                "create table orders_rest partition of orders default",
                "insert into orders values (1, 'EU'), (2, 'US'), (3, null)");

        target.apply(partitioner(), row("id", 4, "region", "EU"), row("id", 5, "region", null));

        assertThat(target.rows(WHERE))
                .containsExactly(
                        "\"orders_EU\"|1", "orders_rest|2", "orders_null|3", "\"orders_EU\"|4", "orders_null|5");
    }

    @Test
    void an_inheriting_partition_is_checked_and_one_without_a_parent_is_made_by_its_template() throws SQLException {
        target.execute("create table orders (id int, region int)");

        target.apply(partitioner(), row("id", 1, "region", "7"), row("id", 2, "region", null));

        assertThat(target.rows(WHERE)).containsExactly("orders_7|1", "orders_null|2");
        assertThatThrownBy(() -> target.execute("insert into orders_7 values (3, 8)"))
                .hasMessageContaining("pgcaravan_bounds");
        assertThatThrownBy(() -> target.execute("insert into orders_null values (3, 8)"))
                .hasMessageContaining("pgcaravan_bounds");

        target.apply(
                new Partitioner(new PartitionOptions("gone")
                        .with(o -> {
                            o.partMode = "list";
                            o.partField = "region";
                            o.partTemplate = "create table _DEST_TABLE (id int, region text)";
                        })
                        .settings()),
                row("id", 1, "region", "north west"),
                row("id", 2, "region", "north west"));
        assertThat(target.tables("gone_")).singleElement().asString().startsWith("gone_north_west_");
    }

    @Test
    void values_never_make_more_partitions_than_allowed() throws SQLException {
        target.execute("create table orders (id int, region text) partition by list (region)");
        Partitioner three =
                new Partitioner(byRegion().with(o -> o.maxPartitions = 3).settings());

        target.apply(three, row("id", 1, "region", "a"), row("id", 2, "region", "b"));
        target.apply(
                three,
                row("id", 3, "region", "c"),
                row("id", 4, "region", "d"),
                row("id", 5, "region", "d"),
                row("id", 6, "region", "a"));
        target.apply(three, row("id", 7, "region", "e"), row("id", 8, "region", "b"));

        assertThat(target.rows(WHERE))
                .containsExactly("orders_a|1", "orders_b|2", "orders_c|3", "orders_a|6", "orders_b|8");
        assertThat(target.rejected).hasSize(3);
        assertThat(target.rejected.get(0))
                .hasMessageContaining("column \"region\" = 'd'")
                .hasMessageContaining("the 3 that maxPartitions allows");
    }

    @Test
    void the_limit_counts_partitions_without_a_parent_too() throws SQLException {
        Partitioner two = new Partitioner(byRegion()
                .with(o -> {
                    o.maxPartitions = 2;
                    o.partTemplate = "create table _DEST_TABLE (id int, region text)";
                })
                .settings());

        target.apply(two, row("id", 1, "region", "a"), row("id", 2, "region", "b"));
        target.apply(two, row("id", 3, "region", "c"));

        assertThat(target.tables("orders_")).containsExactly("orders_a", "orders_b");
        assertThat(target.rejected).hasSize(1);
    }

    @Test
    void a_row_before_an_update_is_found_and_a_delete_makes_no_partition() throws SQLException {
        target.execute("create table orders (id int, region text) partition by list (region)");
        Partitioner partitioner =
                new Partitioner(byRegion().with(o -> o.makeForDeletes = false).settings());
        target.apply(partitioner, row("id", 1, "region", "EU"));
        RowChange before = row("id", 1, "region", "EU");

        List<RowChange> placed = target.apply(
                partitioner,
                change(Op.DELETE, null, List.of("id"), "id", 2, "region", "US"),
                change(Op.UPDATE, before, List.of("id"), "id", 1, "region", "UK"));

        assertThat(placed).hasSize(1);
        assertThat(before.partition().table().name()).isEqualTo("orders_EU");
        assertThat(target.tables("orders_")).containsExactly("orders_EU", "orders_UK");
    }

    @Test
    void a_table_partitioned_in_another_way_is_refused() throws SQLException {
        target.execute("create table orders (id int, region text, day date) partition by range (day)");
        assertThatThrownBy(() -> partitioner().check(target.connection))
                .hasMessageContaining("partitioned by range of column \"day\"; partMode = list needs");
        target.execute("drop table orders", "create table orders (id int, region text) partition by list (id)");
        assertThatThrownBy(() -> partitioner().check(target.connection)).hasMessageContaining("set partField = id");
    }
}
