package io.pgcaravan.partition;

import static io.pgcaravan.partition.PartitionTarget.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.pgcaravan.sql.TableName;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names with londiste's variables; two partitions never get one. */
class PartitionNameTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        hour  |                                                  | public.orders_2026_10_02_05
        day   |                                                  | public.orders_2026_10_02
        month |                                                  | public.orders_2026_10
        year  |                                                  | public.orders_2026
        day   | %(parent)s_%(year)s%(month)s%(day)s              | public.orders_20261002
        week  | %(parent)s_%(year)s_%(week)s                     | public.orders_2026_40
        month | archive.%(schema)s_%(table)s_%(year)s_%(month)s  | archive.public_orders_2026_10
        year  | old %% %(table)s %(year)s                        | public.old % orders 2026
        """)
    void a_row_of_october_2026_goes_to(String period, String name, String partition) throws SQLException {
        try (PartitionTarget target = new PartitionTarget("names")) {
            target.execute(
                    "create schema archive", "create table orders (id int, at timestamp) partition by range (at)");

            target.apply(
                    new Partitioner(new PartitionOptions("public.orders")
                            .with(o -> {
                                o.partField = "at";
                                o.period = period;
                                o.partName = name;
                            })
                            .settings()),
                    row("id", 1, "at", "2026-10-02 05:04:03"));

            assertThat(target.rows(
                            "select n.nspname || '.' || c.relname from orders o join pg_class c on c.oid = o.tableoid"
                                    + " join pg_namespace n on n.oid = c.relnamespace"))
                    .containsExactly(partition);
            assertThat(target.rows("select partition_schema || '.' || partition_name from caravan.partition"))
                    .containsExactly(partition);
        }
    }

    @Test
    void a_name_that_several_partitions_would_get_is_refused() {
        assertThatThrownBy(() -> settings("day", "%(parent)s_%(year)s_%(month)s"))
                .hasMessageContaining("needs %(year)s, %(month)s, %(day)s, or several partitions of period = day");
        assertThatThrownBy(() -> settings("week", "%(parent)s_%(year)s_%(month)s_%(day)s"))
                .hasMessageContaining("%(week)s");
        assertThatThrownBy(() -> settings("day", "%(paren)s_%(year)s_%(month)s_%(day)s"))
                .hasMessageContaining("%(paren)s is unknown; allowed are %(parent)s");
        assertThatThrownBy(() -> settings("year", "%(parent)s %(year)s 5%"))
                .hasMessageContaining("a % that starts no variable");
        assertThatThrownBy(() -> settings("year", "%(parent)s_%(year)s_" + "x".repeat(60)))
                .hasMessageContaining("PostgreSQL would cut it");
    }

    private static PartitionSettings settings(String period, String name) {
        return new PartitionOptions("orders")
                .with(o -> {
                    o.partField = "at";
                    o.period = period;
                    o.partName = name;
                })
                .settings();
    }

    @Test
    void no_two_values_have_one_name() {
        PartitionSettings settings = new PartitionOptions("orders")
                .with(o -> {
                    o.partMode = "list";
                    o.partField = "region";
                })
                .settings();
        TableName parent = new TableName("public", "orders");
        Set<String> names = new HashSet<>();
        List<String> values = new java.util.ArrayList<>(List.of(
                "", " ", "_", "a b", "a_b", "a.b", "a_b_c8687a08", "null", "NULL", "ū", "u", "EU", "eu", "12345678"));
        values.add(null);
        for (int length = 40; length < 90; length++) {
            values.add("y".repeat(length));
        }
        for (String value : values) {
            String name = settings.partName().ofValue(settings, parent, value).name();
            assertThat(name).hasSizeLessThanOrEqualTo(63).matches("orders_\\w*");
            assertThat(names.add(name)).as(name).isTrue();
        }
    }
}
