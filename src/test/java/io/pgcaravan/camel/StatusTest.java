package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.ship.Shipping;
import io.pgcaravan.sql.Query;
import io.pgcaravan.status.Limits;
import io.pgcaravan.status.Problem;
import io.pgcaravan.status.Status;
import io.pgcaravan.status.StatusReader;
import io.pgcaravan.status.Watch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One look at the databases tells what jobs and tables are at, and what is wrong. */
class StatusTest {

    private static final Path DISPATCH = Path.of("routes/dispatch.camel.yaml");

    @TempDir
    Path directory;

    @Test
    void a_dispatch_job_from_running_well_to_all_that_can_be_wrong_with_it() throws Exception {
        Path file = RouteFile.dispatch()
                .edit("period: \"{{dispatch.period}}\"", "period: day\n                    retentionPeriod: 100 years")
                .in(directory);
        try (Orders orders = new Orders()) {
            StatusReader later;
            try (Job job = new Job(orders, Map.of(), file)) {
                ShippedRoutesTest.awaitRegistered(orders);
                orders.insert(1, 1000);
                orders.tick();
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> orders.count(
                                        orders.source,
                                        "select count(*) from pgq.subscription where sub_batch"
                                                + " is null and sub_last_tick = 2")
                                == 1);
                StatusReader reader = new StatusReader(StatusWatch.of(job.context(), job.databases()), Limits.PRESET);
                Status first = reader.read();
                assertThat(first.problems()).isEmpty();
                assertThat(first.databases()).allMatch(Status.Database::up).hasSize(2);
                assertThat(first.jobs()).hasSize(1);
                Status.Job seen = first.jobs().get(0);
                assertThat(seen.route()).isEqualTo("dispatch");
                assertThat(seen.queue()).isEqualTo("orders");
                assertThat(seen.source()).isEqualTo("sourceDb");
                assertThat(seen.running()).isEqualTo(Status.Running.ACTIVE);
                assertThat(seen.holder()).startsWith("session ");
                assertThat(seen.tick()).isEqualTo(2);
                assertThat(seen.rows()).isEqualTo(1000);
                assertThat(seen.lag()).isBetween(0.0, 120.0);
                assertThat(seen.pendingEvents()).isZero();
                assertThat(seen.eventsPerSecond()).isNull();
                assertThat(seen.tables()).hasSize(1);
                Status.Table table = seen.tables().get(0);
                assertThat(table.partitions()).isEqualTo(10);
                assertThat(table.newest()).isEqualTo("public.orders_2026_10_10");
                assertThat(table.nextDropped()).isEqualTo("public.orders_2026_10_01");
                assertThat(table.droppedAt()).isEqualTo("2126-10-02T00:00:00Z");

                orders.insert(1001, 3000);
                orders.tick();
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                assertThat(reader.read().jobs().get(0).eventsPerSecond()).isPositive();
                later = reader;
                // the pools close with the job, the databases stay
                assertThat(later.read().json()).contains("\"running\":\"ACTIVE\"");
            }
            await().atMost(Duration.ofSeconds(60))
                    .until(() ->
                            orders.count(orders.target, "select count(*) from pg_locks where locktype = 'advisory'")
                                    == 0);
            assertThat(later.read().problems()).singleElement().satisfies(problem -> {
                assertThat(problem.kind()).isEqualTo(Problem.Kind.JOB_DOWN);
                assertThat(problem).hasToString("dispatch: " + problem.said());
            });

            orders.source(
                    "update pgq.tick set tick_time = tick_time - interval '1 hour'",
                    "select pgq.set_queue_config('orders', 'rotation_period', '90 minutes')",
                    "select pgq.register_consumer_at('orders', 'test', 1)");
            orders.target(
                    "insert into caravan.dead_letter (consumer, queue, batch_id, tick, tick_time, ev_id, ev_time, ev_type,"
                            + " error) values ('test', 'orders', 1, 2, now(), 7, now(), 'I', 'no such day')");
            Status wrong = later.read();
            assertThat(wrong.problems().stream().map(Problem::kind))
                    .containsExactly(
                            Problem.Kind.POSITION_LOST,
                            Problem.Kind.JOB_DOWN,
                            Problem.Kind.TICKER_DOWN,
                            Problem.Kind.ROTATION,
                            Problem.Kind.LAG,
                            Problem.Kind.DEAD_LETTERS);
            assertThat(wrong.problems().toString())
                    .contains(
                            "caravan queue rewind orders test",
                            "queue \"orders\" gets no ticks",
                            "(the last tick in sourceDb: 60 min ago)",
                            "is about to hold up the queue's rotation (every 90 min)",
                            "consumer \"test\" is 60 min behind queue \"orders\"",
                            "and it grows",
                            "1 row could not be loaded; the latest: no such day");
            assertThat(wrong.jobs().get(0).letters()).hasSize(1);

            orders.source(
                    "select pgq.set_queue_config('orders', 'ticker_paused', 'true')",
                    "alter table orders disable trigger orders_queue");
            assertThat(later.read().problems().toString())
                    .contains("queue \"orders\" is paused: no batch comes before it is ticked again")
                    .contains("trigger \"orders_queue\" on public.orders is disabled");
        }
    }

    @Test
    void a_job_that_fails_at_every_try_says_why_whether_or_not_it_runs() throws Exception {
        Path file = RouteFile.dispatch().consuming("exceptionSleep", 300).in(directory);
        try (Orders orders = new Orders(", primary key (id, created_at)) partition by range (created_at)")) {
            orders.target("alter table orders alter amount type integer");
            StatusReader reader;
            try (Job job = new Job(orders, Map.of(), file)) {
                ShippedRoutesTest.awaitRegistered(orders);
                reader = new StatusReader(StatusWatch.of(job.context(), job.databases()), Limits.PRESET);
                orders.insert(1, 10);
                orders.tick();
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> reader.read().jobs().get(0).running() == Status.Running.FAILING);
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> reader.read().jobs().get(0).failure().tries() > 2);
                Status failing = reader.read();
                assertThat(failing.problems()).singleElement().satisfies(problem -> {
                    assertThat(problem.kind()).isEqualTo(Problem.Kind.JOB_FAILING);
                    assertThat(problem.said())
                            .contains(
                                    "consumer \"test\" of queue \"orders\" has failed at each of its last",
                                    "event 1",
                                    "invalid input syntax for type integer: \"1.25\" (column amount)");
                });
                assertThat(failing.jobs().get(0).failure().sqlState()).isEqualTo("22P02");
            }
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> reader.read().jobs().get(0).running() == Status.Running.NOBODY);
            assertThat(reader.read().problems()).singleElement().satisfies(problem -> assertThat(problem.said())
                    .contains("no process runs consumer", "its last error: ", "(column amount)"));

            orders.target("alter table orders alter amount type numeric(10,2)");
            try (Job job = new Job(orders, Map.of(), file)) {
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> reader.read().jobs().get(0).failure() == null);
                assertThat(reader.read().problems()).isEmpty();
            }
        }
    }

    @Test
    void a_consumer_without_a_route_and_a_database_that_is_down() throws Exception {
        try (Orders orders = new Orders()) {
            try (Job job = Job.dispatch(orders, Map.of())) {
                ShippedRoutesTest.awaitRegistered(orders);
                orders.insert(1, 10);
                orders.tick();
                await().atMost(Duration.ofSeconds(60)).untilAsserted(orders::assertTargetEqualsSource);
            }
            BatchDataSource source =
                    io.pgcaravan.app.Database.parse(orders.sourceUrl).pool("sourceDb", 2);
            BatchDataSource target =
                    io.pgcaravan.app.Database.parse(orders.targetUrl).pool("targetDb", 2);
            BatchDataSource gone = io.pgcaravan.app.Database.parse("jdbc:postgresql://127.0.0.1:1/gone?user=x")
                    .pool("gone", 2);
            try (source;
                    target;
                    gone) {
                Status status = new StatusReader(
                                Watch.of(java.util.List.of(
                                        place("gone", gone), place("sourceDb", source), place("targetDb", target))),
                                Limits.PRESET)
                        .read();
                assertThat(status.problems()).singleElement().satisfies(problem -> {
                    assertThat(problem.kind()).isEqualTo(Problem.Kind.DATABASE_DOWN);
                    assertThat(problem.said()).contains("127.0.0.1:1", "cannot be reached");
                });
                assertThat(status.jobs()).singleElement().satisfies(job -> {
                    assertThat(job.route()).isNull();
                    assertThat(job.consumer()).isEqualTo("test");
                    assertThat(job.source()).isEqualTo("sourceDb");
                    assertThat(job.tick()).isEqualTo(2);
                    assertThat(job.lag()).isNotNull();
                });
            }
        }
    }

    private static io.pgcaravan.status.Place place(String name, BatchDataSource pool) {
        return new io.pgcaravan.status.Place(name, pool, pool.unpooled());
    }

    @Test
    void a_shipped_table_with_its_sets_on_both_sides() throws Exception {
        try (Shipping ship = new Shipping(directory.resolve("drop"))) {
            ship.table("orders", "create table orders (id bigint primary key, note text)");
            Query.execute(ship.source, "insert into orders select i, 'n' from generate_series(1, 10) i");
            Map<String, String> settings = new TreeMap<>(ShipRoutesTest.settings(ship, "public.orders"));
            settings.put("export.period", "3600000");
            settings.put("import.period", "3600000");
            ship.ship("orders");
            try (Job job = new Job(
                    ship.sourceUrl, ship.targetUrl, settings, null, ShipRoutesTest.EXPORT, ShipRoutesTest.IMPORT)) {
                // the export at its start, which reads the acknowledgement of the first set
                await().atMost(Duration.ofSeconds(60))
                        .until(() ->
                                Shipping.query(ship.source, "select acknowledged_at::text from caravan.export_set")
                                        .stream()
                                        .allMatch(java.util.Objects::nonNull));
                // and which is through with that, so that it does not take what is changed below
                await().atMost(Duration.ofSeconds(60))
                        .until(() -> job.context().getInflightRepository().size("export") == 0);
                Limits limits = new Limits(300, 0.5, 0, 0.0, 3600);
                StatusReader reader = new StatusReader(StatusWatch.of(job.context(), job.databases()), limits);
                Status well = reader.read();
                assertThat(well.problems()).isEmpty();
                assertThat(well.exports()).singleElement().satisfies(exported -> {
                    assertThat(exported.route()).isEqualTo("export");
                    assertThat(exported.table()).isEqualTo("public.orders");
                    assertThat(exported.target()).isEqualTo(ship.to.toString());
                    assertThat(exported.published()).isEqualTo(1);
                    assertThat(exported.acknowledged()).isEqualTo(1);
                    assertThat(exported.waiting()).isZero();
                    assertThat(exported.oldestChange()).isNull();
                });
                assertThat(well.imports()).singleElement().satisfies(imported -> {
                    assertThat(imported.set()).isEqualTo(1);
                    assertThat(imported.publishedSets()).isEqualTo(1);
                    assertThat(imported.missing()).isNull();
                });
                assertThat(well.drops()).singleElement().satisfies(drop -> assertThat(drop.free())
                        .isPositive());

                Instant before = Instant.now().truncatedTo(ChronoUnit.MICROS);
                Query.execute(ship.source, "update orders set note = 'x' where id = 1");
                Status waiting = reader.read();
                assertThat(waiting.exports().get(0).oldestChange()).isBetween(well.at(), before);
                assertThat(waiting.exports().get(0).exact()).isTrue();
                assertThat(waiting.problems()).singleElement().satisfies(problem -> assertThat(problem.kind())
                        .isEqualTo(Problem.Kind.EXPORT_LATE));

                ship.exportOne("orders");
                Query.execute(ship.source, "update orders set note = 'y' where id = 2");
                ship.exportOne("orders");
                for (String file : ship.files("")) {
                    if (file.contains("000000000002")) {
                        Files.delete(ship.directory.resolve(file));
                    }
                }
                Status gap = reader.read();
                assertThat(gap.exports().get(0).oldestChange()).isNull();
                assertThat(gap.exports().get(0).published()).isEqualTo(3);
                assertThat(gap.exports().get(0).waiting()).isEqualTo(2);
                assertThat(gap.imports().get(0).missing()).isEqualTo(2);
                assertThat(gap.imports().get(0).missingTo()).isEqualTo(2);
                assertThat(gap.problems()).singleElement().satisfies(problem -> {
                    assertThat(problem.kind()).isEqualTo(Problem.Kind.SET_MISSING);
                    assertThat(problem.said()).contains("set 2 is missing", "caravan export --again 2");
                });

                Limits full = new Limits(300, 0.5, 1.1, 3600, 3600);
                assertThat(new StatusReader(StatusWatch.of(job.context(), job.databases()), full)
                                .read()
                                .problems())
                        .anyMatch(problem -> problem.kind() == Problem.Kind.DISK
                                && problem.said().contains(ship.directory.toString()));
            }
        }
    }

    @Test
    void a_set_that_does_not_arrive_is_told_where_its_target_answers_and_only_there() throws Exception {
        try (Shipping ship = new Shipping(directory.resolve("drop"))) {
            ship.table("orders", "create table orders (id bigint primary key, note text)");
            ship.table("parts", "create table parts (id bigint primary key)");
            ship.export("orders");
            ship.export("parts");
            try (Watched source = new Watched("sourceDb", ship.sourceUrl);
                    Watched both = new Watched("sourceDb", ship.sourceUrl, "targetDb", ship.targetUrl)) {
                // nothing ever came back: acknowledgements may not travel at all
                published(ship, "3 days");
                Status silent = source.read();
                assertThat(silent.problems()).isEmpty();
                assertThat(silent.exports())
                        .allSatisfy(set -> assertThat(set.overdue()).isZero())
                        .allSatisfy(set -> assertThat(set.onItsWaySince()).isNotNull());

                // it did for another table
                ship.importWell();
                Query.execute(ship.source, "update caravan.export_set set published_at = now()");
                ship.export("orders");
                Query.execute(
                        ship.source, "update caravan.export_set set acknowledged_at = null where table_name = 'parts'");
                published(ship, "61 minutes");
                assertThat(source.read().problems()).singleElement().satisfies(problem -> {
                    assertThat(problem.kind()).isEqualTo(Problem.Kind.SET_OVERDUE);
                    assertThat(problem)
                            .hasToString("public.parts: set 1 for " + ship.to
                                    + " is not acknowledged; it was published 61 min ago: does the carrier run, and the"
                                    + " import, and does the acknowledgement come back? caravan export --table"
                                    + " public.parts --target " + ship.to + " --again 1 publishes it again");
                });
                // the target's own ledger knows better
                assertThat(both.read().problems()).isEmpty();
                assertThat(both.read().exports()).allMatch(set -> set.onItsWaySince() == null);

                // two more sets are lost on their way, and as nobody looks into a drop directory, nobody sees a gap
                for (String note : new String[] {"a", "b"}) {
                    Query.execute(
                            ship.source, "insert into orders values (" + note.codePointAt(0) + ", '" + note + "')");
                    ship.exportOne("orders");
                }
                Query.execute(
                        ship.source,
                        "update caravan.export_set set acknowledged_at = now() where table_name = 'parts'");
                published(ship, "59 minutes");
                assertThat(both.read().problems()).isEmpty();
                published(ship, "2 hours");
                Status lost = both.read();
                assertThat(lost.problems()).singleElement().satisfies(problem -> {
                    assertThat(problem.kind()).isEqualTo(Problem.Kind.SET_OVERDUE);
                    assertThat(problem.said())
                            .contains(
                                    "sets 2 to 3 for " + ship.to + " are not imported; the first was published 2 h ago")
                            .contains("--again 2 publishes the first again");
                });
                assertThat(lost.exports())
                        .filteredOn(set -> set.table().equals("public.orders"))
                        .singleElement()
                        .satisfies(set -> {
                            assertThat(set.overdue()).isEqualTo(2);
                            assertThat(Duration.between(set.onItsWaySince(), lost.at()))
                                    .isBetween(Duration.ofMinutes(119), Duration.ofMinutes(121));
                        });

                // carried once a day, sets take long, and are not late at once
                Query.execute(
                        ship.source,
                        "update caravan.export_set set published_at = now() - interval '30 hours' where set_number = 1",
                        "update caravan.export_set set acknowledged_at = published_at + interval '20 hours'"
                                + " where set_number = 1");
                Query.execute(ship.target, "truncate caravan.import_history");
                published(ship, "39 hours");
                assertThat(both.read().problems()).isEmpty();
                published(ship, "41 hours");
                assertThat(both.read().problems()).singleElement().satisfies(problem -> assertThat(problem.said())
                        .contains("the first was published 41 h ago, where 20 h is usual"));
                // nor where only the target's own ledger knows how long it took
                Query.execute(
                        ship.source,
                        "update caravan.export_set set acknowledged_at = null, published_at = now() - interval '60 hours'"
                                + " where set_number = 1");
                Query.execute(
                        ship.target,
                        "insert into caravan.import_history (set_id, table_schema, table_name, set_number, kind, ids,"
                                + " records, deleted, applied_at) select gen_random_uuid(), table_schema, table_name, 1,"
                                + " 'full', 0, 0, 0, now() - interval '35 hours' from caravan.import_set");
                assertThat(both.read().problems()).isEmpty();

                Query.execute(ship.source, "update caravan.export_set set forgotten_at = now()");
                published(ship, "99 days");
                assertThat(both.read().problems()).isEmpty();
            }
        }
    }

    /** Makes what has not arrived as old as this. */
    private static void published(Shipping ship, String ago) throws Exception {
        Query.execute(
                ship.source,
                "update caravan.export_set set published_at = now() - interval '" + ago
                        + "' where acknowledged_at is null and (set_number > 1 or table_name = 'parts' or not exists"
                        + " (select from caravan.export_set where acknowledged_at is not null))");
    }

    /** Databases that somebody looks at without any route. */
    private static final class Watched implements AutoCloseable {

        private final java.util.List<BatchDataSource> pools = new java.util.ArrayList<>();
        private final StatusReader reader;

        Watched(String... namesAndUrls) {
            java.util.List<io.pgcaravan.status.Place> places = new java.util.ArrayList<>();
            for (int i = 0; i < namesAndUrls.length; i += 2) {
                BatchDataSource pool =
                        io.pgcaravan.app.Database.parse(namesAndUrls[i + 1]).pool(namesAndUrls[i], 2);
                pools.add(pool);
                places.add(place(namesAndUrls[i], pool));
            }
            reader = new StatusReader(Watch.of(places), Limits.PRESET);
        }

        Status read() {
            return reader.read();
        }

        @Override
        public void close() {
            pools.forEach(BatchDataSource::close);
        }
    }
}
