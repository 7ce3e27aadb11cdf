package io.pgcaravan.cli;

import static io.pgcaravan.PgServer.value;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan queue register, unregister, reset} and {@code rewind}. */
class QueueConsumerCommandTest {

    private String sourceUrl;
    private String targetUrl;
    private Connection source;
    private Connection target;

    @BeforeEach
    void connect() throws SQLException {
        sourceUrl = PgServer.get().createDatabaseWithPgq("move_source");
        targetUrl = PgServer.get().createDatabase("move_target");
        source = DriverManager.getConnection(sourceUrl);
        target = DriverManager.getConnection(targetUrl);
        execute(source, "select pgq.create_queue('shop')");
    }

    @AfterEach
    void disconnect() throws SQLException {
        source.close();
        target.close();
    }

    @Test
    void each_says_what_it_did() throws SQLException {
        assertDone(queue("register"), "consumer \"loader\" of queue \"shop\" registered");
        assertDone(queue("register"), "is registered already, at tick 1");
        execute(target, "select pgq_ext.set_last_tick('loader', 1)");
        execute(source, "select pgq.force_tick('shop')", "select pgq.ticker('shop')");
        execute(source, "select pgq.register_consumer_at('shop', 'loader', 2)");
        assertDone(queue("rewind"), "moved from tick 2 to the target's tick 1");
        assertDone(queue("unregister"), "the target's ledger keeps its tick");
        assertDone(queue("register"), "registered at tick 1, where the target stands");
        assertDone(queue("reset"), "the target has forgotten that consumer \"loader\" stood at tick 1");
        assertDone(queue("reset"), "what the source offers next, after tick 1, is taken as its first batch");
    }

    @Test
    void a_lost_position_is_status_1_and_one_line() throws SQLException {
        queue("register");
        execute(target, "select pgq_ext.set_last_tick('loader', 77)");
        CommandRun run = queue("rewind");
        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.err().lines()).hasSize(1);
        assertThat(run.err()).contains("lost position", "tick 77", "caravan queue reset shop loader");
    }

    @Test
    void a_role_without_rights_is_told_which_it_needs() throws SQLException {
        String role = "nobody_" + Long.toHexString(System.nanoTime());
        execute(source, "create role " + role + " login password 'x'");
        try {
            CommandRun run = CommandRun.of(
                    "queue",
                    "register",
                    "shop",
                    "loader",
                    "--source",
                    sourceUrl.replaceAll("user=[^&]*&password=[^&]*", "user=" + role + "&password=x"),
                    "--target",
                    targetUrl);
            assertThat(run.status()).isEqualTo(1);
            assertThat(run.err().lines()).hasSize(1);
            assertThat(run.err()).contains("permission denied", "a member of pgq_reader in the source");
        } finally {
            execute(source, "drop role " + role);
        }
    }

    @Test
    void unregister_needs_no_target() {
        queue("register");
        CommandRun run = CommandRun.of(
                "queue",
                "unregister",
                "shop",
                "loader",
                "--source",
                sourceUrl,
                "--target",
                "host=127.0.0.1 port=1 dbname=x");
        assertDone(run, "unregistered");
    }

    @Test
    void the_databases_of_the_configuration_are_the_default(@TempDir Path config) throws Exception {
        Files.writeString(
                config.resolve("application.properties"),
                "database.sourceDb.url = " + sourceUrl + "\ndatabase.targetDb.url = " + targetUrl + "\n");
        CommandRun run = CommandRun.of("queue", "register", "shop", "loader", "--config", config.toString());
        assertDone(run, "registered at the queue's latest tick");
        assertThat(value(source, "select count(*) from pgq.subscription")).isEqualTo("1");
    }

    @Test
    void bad_usage_is_status_2(@TempDir Path empty) {
        assertThat(CommandRun.of("queue", "rewind", "shop").status()).isEqualTo(2);
        assertThat(CommandRun.of("queue", "rewind", "shop", "loader", "--source", "nonsense")
                        .err())
                .contains("--source is not a database");
        CommandRun run = CommandRun.of("queue", "rewind", "shop", "loader", "--config", empty.toString());
        assertThat(run.status()).isEqualTo(2);
        assertThat(run.err()).contains("there is no file", "--source names a database instead");
    }

    private CommandRun queue(String command) {
        return CommandRun.of("queue", command, "shop", "loader", "--source", sourceUrl, "--target", targetUrl);
    }

    private static void assertDone(CommandRun run, String said) {
        assertThat(run.status()).as(run.err()).isZero();
        assertThat(run.out().lines()).hasSize(1);
        assertThat(run.out()).contains(said);
    }
}
