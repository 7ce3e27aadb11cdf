package io.pgcaravan.cli;

import static io.pgcaravan.PgServer.value;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.app.Application;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan dead-letter} after a job that met rows it could not load. */
class DeadLetterCommandTest {

    @TempDir
    Path directory;

    private String sourceUrl;
    private String targetUrl;
    private Connection source;
    private Connection target;
    private Path config;

    /** Five orders, of which the target's check refuses 2 and 4. */
    @BeforeEach
    void two_dead_letters() throws Exception {
        sourceUrl = PgServer.get().createDatabaseWithPgq("letters_source");
        targetUrl = PgServer.get().createDatabase("letters_target");
        source = DriverManager.getConnection(sourceUrl);
        target = DriverManager.getConnection(targetUrl);
        execute(
                source,
                "select pgq.create_queue('orders')",
                "create table orders (id int primary key, note text, created_at timestamp)",
                "create trigger q after insert or update or delete on orders for each row execute function"
                        + " pgq.logutriga('orders')");
        execute(
                target,
                "create table orders (id int, note text constraint short check (length(note) < 10), created_at timestamp,"
                        + " primary key (id, created_at)) partition by range (created_at)");
        Map<String, String> job = Map.of(
                "dispatch.enabled", "true",
                "dispatch.queue", "orders",
                "dispatch.consumer", "dispatch",
                "dispatch.rowMode", "plain",
                "dispatch.onError", "dead-letter",
                "database.sourceDb.url", sourceUrl,
                "database.targetDb.url", targetUrl);
        config = Setup.config(directory.resolve("config"), job);
        try (Application application = Application.shipped(
                Path.of(""), Map.of("sourceDb", sourceUrl, "targetDb", targetUrl), job, "dispatch.camel.yaml")) {
            application.start();
            await().atMost(Duration.ofSeconds(60)).until(() -> value(source, "select count(*) from pgq.subscription")
                    .equals("1"));
            execute(
                    source,
                    "insert into orders select i, case when i % 2 = 0 then 'far too long' else 'x' end,"
                            + " timestamp '2026-09-30' + i * interval '1 day' from generate_series(1, 5) i");
            CommandRun.of("queue", "tick", "--db", sourceUrl);
            await().atMost(Duration.ofSeconds(60))
                    .until(() -> value(target, "select count(*) from orders").equals("3"));
        }
    }

    @AfterEach
    void disconnect() throws SQLException {
        source.close();
        target.close();
    }

    @Test
    void list_and_show_tell_what_happened() {
        CommandRun list = letters("list");
        assertThat(list.status()).as(list.err()).isZero();
        assertThat(list.out().lines()).hasSize(3);
        assertThat(list.out()).contains("dispatch", "I:id", "short");
        assertThat(letters("list", "--consumer", "other").out()).contains("there are no dead letters");
        assertThat(letters("list", "--json").out())
                .startsWith("[")
                .contains("\"ev_data\":\"id=2&note=far+too+long", "\"sqlstate\":\"23514\"");
        assertThat(letters("show", "1").out()).contains("ev_type", "id=2&note=far+too+long", "23514");
        assertThat(letters("show", "99").status()).isEqualTo(1);
        assertThat(letters("show", "99").err()).contains("there is no dead letter 99");
    }

    @Test
    void retry_loads_what_can_be_loaded_now() throws SQLException {
        String position = value(target, "select tick from caravan.position");
        CommandRun refused = retry("1");
        assertThat(refused.status()).isEqualTo(1);
        assertThat(refused.err()).contains("dead letter 1", "stays", "short");
        assertThat(value(target, "select count(*) from caravan.dead_letter")).isEqualTo("2");

        execute(target, "alter table orders drop constraint short");
        CommandRun all = retry("--all");
        assertThat(all.status()).as(all.err()).isZero();
        assertThat(all.out()).contains("dead letter 1", "dead letter 2", "is loaded");
        assertThat(value(target, "select string_agg(id || note, ' ' order by id) from orders"))
                .isEqualTo("1x 2far too long 3x 4far too long 5x");
        assertThat(value(target, "select count(*) from caravan.dead_letter")).isEqualTo("0");
        assertThat(value(target, "select count(*) from orders_2026_10_02")).isEqualTo("1");
        assertThat(value(target, "select tick from caravan.position")).isEqualTo(position);
    }

    @Test
    void a_row_that_later_events_may_have_written_needs_force() throws SQLException {
        execute(
                target,
                "alter table orders drop constraint short",
                "create table orders_2026_10_02 partition of orders for values from ('2026-10-02') to ('2026-10-03')",
                "insert into orders values (2, 'newer', '2026-10-02')");
        assertThat(retry("1")).satisfies(run -> {
            assertThat(run.status()).isEqualTo(1);
            assertThat(run.err()).contains("later events may have written", "--force");
        });
        assertThat(value(target, "select note from orders where id = 2")).isEqualTo("newer");
        CommandRun forced = retry("1", "--force");
        assertThat(forced.status()).as(forced.err()).isZero();
        assertThat(value(target, "select note from orders where id = 2")).isEqualTo("far too long");
    }

    @Test
    void discard_deletes_letters() throws SQLException {
        assertThat(letters("discard", "1").out()).contains("1 dead letter discarded");
        assertThat(letters("discard", "1").status()).isEqualTo(1);
        assertThat(letters("discard", "--all", "--consumer", "other").out()).contains("0 dead letters");
        assertThat(letters("discard", "--all").out()).contains("1 dead letter discarded");
        assertThat(letters("discard").status()).isEqualTo(2);
        assertThat(value(target, "select count(*) from caravan.dead_letter")).isEqualTo("0");
    }

    @Test
    void a_letter_of_a_job_that_is_gone_stays() throws SQLException {
        execute(target, "update caravan.dead_letter set consumer = 'gone'");
        CommandRun run = retry("--all");
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.err()).contains("no route starts from pgq: with consumer \"gone\"");
    }

    private CommandRun letters(String command, String... args) {
        return run(command, args, "--db", targetUrl);
    }

    private CommandRun retry(String... args) {
        return run("retry", args, "--config", config.toString(), "--routes", "routes");
    }

    private static CommandRun run(String command, String[] args, String... more) {
        java.util.List<String> all = new java.util.ArrayList<>(java.util.List.of("dead-letter", command));
        all.addAll(java.util.List.of(args));
        all.addAll(java.util.List.of(more));
        return CommandRun.of(all.toArray(new String[0]));
    }
}
