package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.server.ThrowAwayServer;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code caravan run} says, in a process of its own, about mistakes that users make. */
class CaravanRunTest {

    @TempDir
    Path directory;

    private final Map<String, String> keys = new TreeMap<>();
    private String dispatchFrom = "";
    private String dispatchTo = "";

    @Test
    void every_mistake_is_listed_at_once() throws Exception {
        keys.put("dispatch.qeue", "orders");
        keys.put("database.targetDb.url", "nonsense");
        keys.put("database.sourceDb.pool", "5");
        keys.put("dispatch.unused", "{{no.such.key}}");
        assertRefused(
                "no route uses key dispatch.qeue",
                "key database.targetDb.url: the value is not a database",
                "unknown key database.sourceDb.pool",
                "{{no.such.key}} has no value");
    }

    @Test
    void no_password_is_shown_with_a_mistake() throws Exception {
        keys.put("database.sourceDb.url", "postgresql://me:S3cret@127.0.0.1:no/source");
        keys.put("database.targetDb.url", "host=127.0.0.1 dbname=target password='S3cret and more' port=no");
        dispatchFrom = "uri: pgq:{{dispatch.queue}}";
        dispatchTo = "uri: file:/in?password=S3cret&nonsense=1";
        Run run = ended();
        assertThat(run.status).isEqualTo(2);
        assertThat(run.output())
                .contains("key database.sourceDb.url", "key database.targetDb.url", "nonsense")
                .doesNotContain("S3cret");
    }

    @Test
    void an_endpoint_option_that_does_not_exist_is_named() throws Exception {
        dispatchFrom = "rowMode:";
        dispatchTo = "rowmode:";
        assertRefused("dispatch.camel.yaml", "no option \"rowmode\"; did you mean rowMode?");
    }

    @Test
    void a_value_that_a_step_cannot_take_is_told_with_what_it_can() throws Exception {
        keys.put("dispatch.rowMode", "sometimes");
        assertRefused("rowMode = sometimes: must be one of append, keep_all, keep_latest, plain");
    }

    @Test
    void values_that_several_steps_cannot_take_are_listed_at_once_with_the_other_mistakes() throws Exception {
        keys.put("dispatch.rowMode", "sometimes");
        keys.put("dispatch.period", "fortnight");
        keys.put("dispatch.partField", "");
        keys.put("dispatch.onError", "shrug");
        keys.put("dispatch.fields", "a, a:");
        keys.put("database.targetDb.url", "nonsense");
        assertRefused(
                "rowMode = sometimes: must be one of",
                "period = fortnight: must be",
                "partField is missing",
                "pgq:orders cannot take onError = shrug; expected one of stop, dead-letter",
                "fields",
                "key database.targetDb.url: the value is not a database");
    }

    @Test
    void a_number_that_is_none_is_told_with_its_option() throws Exception {
        dispatchFrom = "source: \"#sourceDb\"";
        dispatchTo = "source: \"#sourceDb\"\n        chunkEvents: many";
        assertRefused("pgq:orders cannot take chunkEvents = many");
    }

    @Test
    void broken_yaml_is_told_with_its_line() throws Exception {
        dispatchFrom = "uri: pgq:{{dispatch.queue}}";
        dispatchTo = "uri: [pgq";
        Run broken = ended();
        assertThat(broken.status).isEqualTo(2);
        assertThat(broken.output()).contains("dispatch.camel.yaml: invalid YAML", "in line ");
        assertOneMessage(broken);

        dispatchFrom = "steps:";
        dispatchTo = "stepz:";
        Run unknown = ended();
        assertThat(unknown.status).isEqualTo(2);
        assertThat(unknown.output()).contains("Unsupported field: stepz", "dispatch.camel.yaml");
        assertThat(unknown.output()).doesNotContain("\tat ");
    }

    @Test
    void a_key_that_camel_does_not_know_is_named() throws Exception {
        keys.put("camel.main.nam", "x");
        assertRefused("key camel.main.nam in application.properties");
    }

    @Test
    void a_management_port_that_is_taken_is_told() throws Exception {
        try (ServerSocket taken = new ServerSocket(0, 1, java.net.InetAddress.getByName("127.0.0.1"))) {
            keys.put("camel.management.port", Integer.toString(taken.getLocalPort()));
            assertRefused("camel.management.port: cannot listen on port " + taken.getLocalPort());
        }
    }

    @Test
    void what_is_missing_in_the_databases_is_told_in_one_line_and_waited_for() throws Exception {
        String source = PgServer.get().createDatabase("run_source");
        databases(source, PgServer.get().createDatabase("run_target"));
        // the default would keep the test waiting for 20 seconds
        dispatchFrom = "source: \"#sourceDb\"";
        dispatchTo = "source: \"#sourceDb\"\n        exceptionSleep: 200";
        try (Run run = start()) {
            run.awaitLine("PgQ is missing in the source");
            assertThat(health(run, "ready")).isEqualTo(503);
            assertThat(health(run, "live")).isEqualTo(200);
            ThrowAwayServer.withPgq(source);
            run.awaitLine("queue \"orders\" does not exist", "caravan queue create orders");
            CommandRun.of("queue", "create", "orders", "--db", source);
            run.awaitLine("consumer \"dispatch\" of queue \"orders\" registered at");
            await().atMost(Duration.ofSeconds(60)).until(() -> health(run, "ready") == 200);
            assertThat(run.output())
                    .contains("dispatch: queue \"orders\" of sourceDb, consumer \"dispatch\" -> targetDb ->"
                            + " pgq-decode:logutriga -> pgq-partition:public.orders -> pgq-copy:public.orders");
            run.awaitLine("targetDb, jdbc:postgresql://", ": PostgreSQL 1");
            try (var connection = DriverManager.getConnection(source)) {
                connection
                        .createStatement()
                        .execute("select pgq.insert_event('orders', 'I:id', 'id=1&created_at=2026-10-01')");
            }
            CommandRun.of("queue", "tick", "--db", source);
            run.awaitLine("There is no table public.orders on the target");
            assertThat(run.output()).doesNotContain("\tat ");
            assertThat(run.output().lines().filter(line -> line.contains("does not exist")))
                    .hasSize(1);
            run.process.destroy();
            assertThat(run.process.waitFor(15, TimeUnit.SECONDS)).isTrue();
        }
    }

    @Test
    void a_database_that_is_away_is_told_in_one_line_and_waited_for() throws Exception {
        databases(
                "jdbc:postgresql://127.0.0.1:1/source?user=x&password=S3cret",
                "host=127.0.0.1 port=1 dbname=target user=x password=S3cret");
        try (Run run = start()) {
            run.awaitLine("the source database", "cannot be reached");
            run.awaitLine("targetDb, database \"target\"", "127.0.0.1");
            assertThat(run.output()).doesNotContain("S3cret");
            assertThat(health(run, "ready")).isEqualTo(503);
            assertThat(health(run, "live")).isEqualTo(200);
            assertThat(run.output())
                    .contains("runs dispatch")
                    .containsPattern("; console: (http://127\\.0\\.0\\.1:\\d+/); health: \\1observe/health/ready\n")
                    .doesNotContain("\tat ");
        }
    }

    @Test
    void as_many_jobs_as_there_are_route_files_get_their_connections() throws Exception {
        String source = PgServer.get().createDatabaseWithPgq("run_source");
        databases(source, PgServer.get().createDatabase("run_target"));
        CommandRun.of("queue", "create", "orders", "--db", source);
        for (int i = 1; i <= 12; i++) {
            String copy = Files.readString(Path.of("routes/dispatch.camel.yaml"))
                    .replace("id: dispatch", "id: copy" + i)
                    .replace("{{dispatch.consumer}}", "copy" + i);
            Files.writeString(
                    Files.createDirectories(directory.resolve("routes")).resolve("copy" + i + ".camel.yaml"), copy);
        }
        try (Run run = start();
                Connection connection = DriverManager.getConnection(source);
                Statement statement = connection.createStatement()) {
            await().atMost(Duration.ofSeconds(60)).until(() -> {
                try (ResultSet row = statement.executeQuery("select count(*) from pgq.subscription")) {
                    row.next();
                    return row.getInt(1) == 13;
                }
            });
            await().atMost(Duration.ofSeconds(60)).until(() -> health(run, "ready") == 200);
        }
    }

    @Test
    void a_stop_lets_the_batch_in_progress_end() throws Exception {
        String target = ordersOf(100);
        try (Run run = start();
                Connection blocker = DriverManager.getConnection(target);
                Statement statement = blocker.createStatement()) {
            block(blocker, statement);
            run.process.destroy();
            await().atMost(Duration.ofSeconds(60)).until(() -> !isReady(run));
            blocker.rollback();
            assertThat(run.process.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(run.process.exitValue()).isEqualTo(143);
            assertThat(run.output()).containsSubsequence("stopping; what is in progress has ", " s to end");
            assertThat(count(statement)).as(run.output()).isEqualTo(100);
        }
    }

    @Test
    void a_batch_that_takes_longer_than_a_stop_may_is_left_for_the_next_start_and_nothing_is_lost() throws Exception {
        keys.put("camel.main.shutdownTimeout", "1");
        String target = ordersOf(100);
        try (Connection blocker = DriverManager.getConnection(target);
                Statement statement = blocker.createStatement()) {
            try (Run run = start()) {
                block(blocker, statement);
                run.process.destroy();
                assertThat(run.process.waitFor(60, TimeUnit.SECONDS)).isTrue();
                assertThat(run.output()).contains("stops in the middle of a batch, which is left for the next start");
                // the server does not go on with what nobody wants any more
                await().atMost(Duration.ofSeconds(60)).until(() -> waiting(statement) == 0);
                blocker.rollback();
                assertThat(count(statement)).isZero();
                blocker.rollback();
            }
            blocker.setAutoCommit(true);
            try (Run run = start()) {
                await().atMost(Duration.ofSeconds(60)).until(() -> count(statement) == 100);
            }
            assertThat(count(statement)).isEqualTo(100);
        }
    }

    /** A registered job with one batch ready; the target's URL. */
    private String ordersOf(int rows) throws Exception {
        String source = PgServer.get().createDatabaseWithPgq("run_source");
        String target = PgServer.get().createDatabase("run_target");
        databases(source, target);
        CommandRun.of("queue", "create", "orders", "--db", source);
        try (Connection connection = DriverManager.getConnection(target);
                Statement statement = connection.createStatement()) {
            statement.execute("create table orders (id bigint, created_at timestamp, primary key (id, created_at))"
                    + " partition by range (created_at)");
            statement.execute("create table orders_2026_10_01 partition of orders"
                    + " for values from ('2026-10-01') to ('2026-10-02')");
        }
        CommandRun.of("queue", "register", "orders", "dispatch", "--source", source, "--target", target);
        try (Connection connection = DriverManager.getConnection(source);
                Statement statement = connection.createStatement()) {
            statement.execute("select pgq.insert_event('orders', 'I:id,created_at', 'id=' || i ||"
                    + " '&created_at=2026-10-01') from generate_series(1, " + rows + ") i");
        }
        CommandRun.of("queue", "tick", "orders", "--db", source);
        return target;
    }

    /** Locks the table that the batch loads, and waits until the batch waits for it. */
    private static void block(Connection blocker, Statement statement) throws Exception {
        blocker.setAutoCommit(false);
        // against writing, not against those who only look
        statement.execute("lock table orders, orders_2026_10_01 in share mode");
        await().atMost(Duration.ofSeconds(60)).until(() -> waiting(statement) > 0);
    }

    private static int waiting(Statement statement) throws Exception {
        try (ResultSet row = statement.executeQuery(
                "select count(*) from pg_locks where not granted and mode = 'RowExclusiveLock' and database ="
                        + " (select oid from pg_database where datname = current_database())")) {
            row.next();
            return row.getInt(1);
        }
    }

    private static int count(Statement statement) throws Exception {
        try (ResultSet row = statement.executeQuery("select count(*) from orders")) {
            row.next();
            return row.getInt(1);
        }
    }

    /** False too where nobody answers any more. */
    private boolean isReady(Run run) throws InterruptedException {
        try {
            return health(run, "ready") == 200;
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception e) {
            return false;
        }
    }

    private void databases(String source, String target) throws IOException {
        keys.put("database.sourceDb.url", source);
        keys.put("database.targetDb.url", target);
        keys.put("camel.management.port", Integer.toString(freePort()));
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private void assertRefused(String... words) throws Exception {
        Run run = ended();
        assertThat(run.status).isEqualTo(2);
        assertThat(run.output()).contains(words);
        assertOneMessage(run);
    }

    /** Nothing but what is wrong: no stack trace, no log lines around it. */
    private static void assertOneMessage(Run run) throws IOException {
        assertThat(run.output()).doesNotContain("\tat ").doesNotContain("Exception");
        assertThat(run.output().lines().filter(line -> !line.startsWith("  "))).hasSize(1);
    }

    private int health(Run run, String which) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(
                        "http://127.0.0.1:" + keys.get("camel.management.port") + "/observe/health/" + which))
                .build();
        return HttpClient.newHttpClient()
                .send(request, HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }

    private Run ended() throws Exception {
        keys.putIfAbsent("camel.management.port", Integer.toString(freePort()));
        try (Run run = start()) {
            assertThat(run.process.waitFor(60, TimeUnit.SECONDS))
                    .as(run.output())
                    .isTrue();
            run.status = run.process.exitValue();
            return run;
        }
    }

    private Run start() throws IOException {
        Path config = Setup.config(directory.resolve("config"), keys);
        Path routes = Files.createDirectories(directory.resolve("routes"));
        List<Path> shipped;
        try (Stream<Path> files = Files.list(Path.of("routes"))) {
            shipped = files.filter(Files::isRegularFile).toList();
        }
        for (Path file : shipped) {
            String text = Files.readString(file);
            if (file.endsWith("dispatch.camel.yaml") && !dispatchFrom.isEmpty()) {
                assertThat(text).contains(dispatchFrom);
                text = text.replace(dispatchFrom, dispatchTo);
            }
            Files.writeString(routes.resolve(file.getFileName()), text);
        }
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // without the tests' own logging
        String classes = Stream.of(System.getProperty("java.class.path").split(":"))
                .filter(entry -> !entry.endsWith("test-classes"))
                .collect(Collectors.joining(":"));
        command.addAll(List.of("-cp", config + ":" + classes));
        command.addAll(List.of(
                "io.pgcaravan.cli.Caravan", "run", "--config", config.toString(), "--routes", routes.toString()));
        Path output = directory.resolve("output");
        return new Run(
                new ProcessBuilder(command)
                        .redirectErrorStream(true)
                        .redirectOutput(output.toFile())
                        .start(),
                output);
    }

    private static final class Run implements AutoCloseable {

        private final Process process;
        private final Path file;
        private int status;

        private Run(Process process, Path file) {
            this.process = process;
            this.file = file;
        }

        String output() throws IOException {
            return Files.readString(file);
        }

        void awaitLine(String... words) {
            await().atMost(Duration.ofSeconds(90)).untilAsserted(() -> assertThat(output().lines())
                    .anySatisfy(line -> assertThat(line).contains(words)));
        }

        @Override
        public void close() throws InterruptedException {
            process.destroy();
            if (!process.waitFor(20, TimeUnit.SECONDS)) {
                process.destroyForcibly().waitFor();
            }
        }
    }
}
