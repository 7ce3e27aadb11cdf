package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps that a user puts between partition and load. */
class OwnStepsTest {

    private static final String MARK = "              - to: pgq-copy:{{dispatch-rows.destTable}}\n";

    @TempDir
    Path directory;

    @Test
    void the_readme_s_edit_leaves_rows_out_and_masks_others() throws Exception {
        Matcher edit = Pattern.compile("```yaml\n( +- choice:.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("README.md")));
        assertThat(edit.find()).as("the README shows an edit of dispatch-rows").isTrue();
        String route = Files.readString(Path.of("routes/dispatch-rows.camel.yaml"));
        assertThat(route).contains(MARK);
        Path edited = directory.resolve("edited.camel.yaml");
        Files.writeString(edited, route.replace(MARK, edit.group(1)));
        try (Orders orders = new Orders();
                Job job = new Job(orders, Map.of(), edited)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 500);
            orders.source(
                    "insert into orders select i, 'secret', 1, null, '2026-10-05', 'paid' from generate_series(501, 520) i");
            orders.tick();
            await().atMost(Duration.ofSeconds(60))
                    .until(() ->
                            orders.count(orders.target, "select count(*) from caravan.position where tick = 2") == 1);
            assertThat(orders.column(
                            orders.target, "select distinct coalesce(customer, 'NULL') || ' ' || status from orders"))
                    .containsExactly("NULL paid");
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isEqualTo(20);
        }
    }

    @Test
    void the_sql_example_inserts_each_row_into_its_partition() throws Exception {
        Path example = Path.of("routes/examples/dispatch-rows-sql.camel.yaml");
        try (Orders orders = new Orders();
                Job job = new Job(orders, Map.of(), example)) {
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 500);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(orders.partitions("orders_")).hasSize(10);
            assertThat(orders.column(orders.target, "select account::text from caravan.position"))
                    .containsExactly("{\"loaded into public.orders\": 500}");
        }
    }
}
