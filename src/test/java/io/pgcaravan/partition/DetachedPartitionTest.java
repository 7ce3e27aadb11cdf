package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.sql.Connection;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** No row is committed into a table that is no partition of the parent any more. */
class DetachedPartitionTest {

    private PartitionTarget target;
    private final Partitioner partitioner = new Partitioner(
            new PartitionOptions("orders").with(o -> o.partField = "day").settings());

    @BeforeEach
    void open() throws SQLException {
        target = new PartitionTarget("detached");
    }

    @AfterEach
    void close() throws SQLException {
        target.close();
    }

    /** The second batch finds the partitions, which are believed to be there for a while then. */
    private void known() throws SQLException {
        for (int i = 0; i < 2; i++) {
            target.apply(partitioner, row("id", 1, "day", "2026-10-02"), row("id", 1, "day", "2026-10-03"));
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "alter table orders detach partition orders_2026_10_02 | alter table orders_2026_10_02 rename to gone",
                "alter table orders detach partition orders_2026_10_02 concurrently | drop table orders_2026_10_02",
                "drop table orders_2026_10_02; create table orders_2026_10_02 (id int, day date) | drop table orders_2026_10_02",
                "alter table orders rename to old_orders; create table orders (id int, day date) partition by range (day)"
                        + " | drop table old_orders"
            })
    void a_batch_after_a_change_of_the_tree_is_done_again(String change, String way) throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");
        known();
        try (Connection other = target.connect()) {
            for (String statement : change.split(";")) {
                PartitionTarget.execute(other, statement);
            }
            assertThatThrownBy(() -> target.apply(partitioner, row("id", 2, "day", "2026-10-02")))
                    .isInstanceOf(PartitionException.class)
                    .hasMessageContaining("is not a partition of public.orders any more")
                    .extracting(e -> ((SQLException) e).getSQLState())
                    .isEqualTo("40001");
            // what has the partition's name is nobody's to take
            assertThatThrownBy(() -> target.apply(partitioner, row("id", 2, "day", "2026-10-02")))
                    .hasMessageContaining("that name is taken by a table that is not one");
            PartitionTarget.execute(other, way);
        }
        target.apply(partitioner, row("id", 2, "day", "2026-10-02"));

        assertThat(target.rows("select id, tableoid::regclass from orders where id = 2"))
                .containsExactly("2|orders_2026_10_02");
    }

    @Test
    void a_partition_that_no_longer_inherits_gets_no_row() throws SQLException {
        target.execute("create table orders (id int, day date)");
        known();
        target.execute("alter table orders_2026_10_02 no inherit orders");

        assertThatThrownBy(() -> target.apply(partitioner, row("id", 2, "day", "2026-10-02")))
                .hasMessageContaining("is not a partition of public.orders any more");
    }

    @Test
    void rows_that_were_loaded_before_a_savepoint_are_looked_at_too() throws SQLException {
        target.execute("create table orders (id int, day date) partition by range (day)");
        known();
        try (Connection other = target.connect()) {
            PartitionTarget.execute(other, "alter table orders detach partition orders_2026_10_02");
        }
        var batch = target.open();
        for (var placed : partitioner.place(batch, java.util.List.of(row("id", 2, "day", "2026-10-02")))) {
            PartitionTarget.insert(target.connection, placed);
        }
        var savepoint = target.connection.setSavepoint();
        batch.rolledBack();
        target.connection.rollback(savepoint);
        partitioner.place(batch, java.util.List.of(row("id", 3, "day", "2026-10-03")));

        assertThatThrownBy(() -> PartitionTarget.commit(batch)).hasMessageContaining("orders_2026_10_02");
        target.rollback();
    }
}
