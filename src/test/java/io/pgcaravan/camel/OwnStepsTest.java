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

/** Steps that a user puts between decode and collect. */
class OwnStepsTest {

    private static final String MARK = "                    - to: collect:{{dispatch-rows.destTable}}\n";

    @TempDir
    Path directory;

    @Test
    void the_readme_s_edit_filters_and_masks_rows() throws Exception {
        Matcher edit = Pattern.compile("```yaml\n( +- filter:.*?)```", Pattern.DOTALL)
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
                    .until(() -> orders.count(orders.target, "select count(*) from caravan.position") == 1);
            assertThat(orders.column(
                            orders.target, "select distinct coalesce(customer, 'NULL') || ' ' || status from orders"))
                    .containsExactly("NULL paid");
            assertThat(orders.count(orders.target, "select count(*) from orders"))
                    .isEqualTo(20);
        }
    }

    @Test
    void a_step_behind_the_inserts_sees_their_rows() throws Exception {
        Path edited = directory.resolve("edited.camel.yaml");
        Files.writeString(edited, Files.readString(Path.of("routes/dispatch-rows.camel.yaml")) + """
                              - to:
                                  uri: sql:insert into seen select count(*) from orders_2026_10_01
                                  parameters:
                                    dataSource: "#targetDb"
                                    usePlaceholder: false
                """);
        try (Orders orders = new Orders();
                Job job = new Job(orders, Map.of(), edited)) {
            orders.target("create table seen (orders bigint)");
            ShippedRoutesTest.awaitRegistered(orders);
            orders.insert(1, 30_000);
            orders.tick();
            await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            assertThat(orders.column(orders.target, "select orders from seen order by 1"))
                    // chunks are smaller where PgQ before 3.5 sends each row twice
                    .hasSizeBetween(3, 6)
                    .endsWith("3000");
        }
    }
}
