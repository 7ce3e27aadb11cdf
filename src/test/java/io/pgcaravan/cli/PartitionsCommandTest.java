package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.pgcaravan.PgServer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan partitions} on a target where no job has run yet, and with a job's settings. */
class PartitionsCommandTest {

    @TempDir
    Path directory;

    private String url;
    private Connection target;

    @BeforeEach
    void table() throws SQLException {
        url = PgServer.get().createDatabase("partitions");
        target = DriverManager.getConnection(url);
        execute("create table public.orders (id int, day date, primary key (id, day)) partition by range (day)");
    }

    @AfterEach
    void disconnect() throws SQLException {
        target.close();
    }

    @Test
    void create_makes_what_is_missing_and_says_so() throws SQLException {
        CommandRun dry = run("create", "orders", "--from", "2020-01-30", "--to", "2020-02-01", "--dry-run");
        assertThat(dry.status()).as(dry.err()).isZero();
        assertThat(dry.out().lines())
                .containsExactly(
                        "would make public.orders_2020_01_30 from 2020-01-30 to 2020-01-31",
                        "would make public.orders_2020_01_31 from 2020-01-31 to 2020-02-01",
                        "would make public.orders_2020_02_01 from 2020-02-01 to 2020-02-02");
        assertThat(values("select relname from pg_class where relname ~ '^orders_2'"))
                .isEmpty();
        assertThat(values("select nspname from pg_namespace where nspname = 'caravan'"))
                .isEmpty();

        CommandRun made = run("create", "orders", "--from", "2020-01-30", "--to", "2020-01-31");
        assertThat(made.status()).as(made.err()).isZero();
        assertThat(made.out().lines()).hasSize(2).allMatch(line -> line.startsWith("made public.orders_2020_01_3"));
        assertThat(run("create", "orders", "--from", "2020-01-30", "--to", "2020-02-01")
                        .out())
                .isEqualToIgnoringNewLines("made public.orders_2020_02_01 from 2020-02-01 to 2020-02-02\n");
        assertThat(run("create", "orders", "--from", "2020-01-30", "--to", "2020-02-01")
                        .out())
                .contains("nothing to do");
        assertThat(run("create", "orders", "--ahead", "2").out().lines()).hasSize(3);
        assertThat(values("select count(*)::text from caravan.partition")).containsExactly("6");
    }

    @Test
    void create_takes_a_template_and_its_key() throws Exception {
        Path template = Files.writeString(
                directory.resolve("template.sql"),
                "create table _DEST_TABLE (id int, primary key (_PKEY)) inherits (_PARENT)");
        execute("create table log (id int, at timestamp)");
        CommandRun made = run(
                "create",
                "log",
                "--from",
                "2020-01-01",
                "--to",
                "2020-02-01",
                "--period",
                "month",
                "--template",
                template.toString(),
                "--key",
                "id,at");
        assertThat(made.status()).as(made.err()).isZero();
        assertThat(values("select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'log_2020_02'::regclass"
                        + " and contype = 'p'"))
                .containsExactly("PRIMARY KEY (id, at)");
    }

    @Test
    void list_shows_bounds_rows_sizes_and_what_is_next() throws SQLException {
        run("create", "orders", "--from", "2020-01-30", "--to", "2020-01-30");
        execute(
                "create table by_hand partition of orders for values from ('2020-02-01') to ('2020-03-01')",
                "create table \"the Rest\" partition of orders default",
                "insert into orders select i, '2020-02-02' from generate_series(1, 1000) i",
                "analyze");
        CommandRun list = run("list", "orders", "--older-than", "30 days");
        assertThat(list.status()).as(list.err()).isZero();
        assertThat(list.out().lines().map(line -> line.replaceAll(" {2,}", "|")).toList())
                .hasSize(4)
                .startsWith("PARTITION|FROM|TO|ROWS|SIZE|MADE BY|STATE")
                .anyMatch(line ->
                        line.matches("public.orders_2020_01_30\\|2020-01-30\\|2020-01-31\\|.*\\|pgcaravan\\|old"))
                .anyMatch(line -> line.matches("public.by_hand\\|2020-02-01\\|2020-03-01\\|1000\\|.*kB\\|others\\|old"))
                .anyMatch(line -> line.matches("public.the Rest\\|-\\|-\\|.*\\|others\\|default partition"));
        assertThat(run("list", "orders", "--older-than", "100 years").out()).contains("kept until 2120-01-31");
        assertThat(run("list", "orders", "--json").out())
                .startsWith("[")
                .contains("\"partition\":\"public.by_hand\"", "\"rows\":1000", "\"made_by\":\"others\"");
    }

    @Test
    void list_shows_partitions_that_are_not_by_time_too() throws SQLException {
        execute(
                "create table by_shop (id int, shop text) partition by list (shop)",
                "create table by_shop_riga partition of by_shop for values in ('riga')",
                "create table by_id (id int) partition by range (id)",
                "create table by_id_1 partition of by_id for values from (1) to (100)",
                "create table log (id int)",
                "create table log_old () inherits (log)");
        assertThat(run("list", "by_shop").out()).contains("public.by_shop_riga", "FOR VALUES IN ('riga')");
        assertThat(run("list", "by_id").out()).contains("public.by_id_1", "FOR VALUES FROM (1) TO (100)");
        assertThat(run("list", "log").out()).contains("public.log_old");
        assertThat(run("drop", "by_shop", "--older-than", "1 day").err()).contains("partitioned by list");
    }

    @Test
    void drop_says_first_and_does_then_exactly_that() throws SQLException {
        run("create", "orders", "--from", "2020-01-30", "--to", "2020-02-02");
        run("create", "orders", "--ahead", "0");
        execute("create view report as select * from orders_2020_01_31", "create table orders_2019_01_01 (id int)");

        CommandRun dry = run("drop", "orders", "--older-than", "30 days", "--dry-run");
        assertThat(dry.status()).as(dry.out()).isEqualTo(1);
        boolean concurrently = values("select (current_setting('server_version_num')::int >= 140000)::text")
                .contains("true");
        assertThat(dry.out().lines())
                .startsWith(
                        "alter table \"public\".\"orders\" detach partition \"public\".\"orders_2020_01_30\""
                                + (concurrently ? " concurrently;" : ";"),
                        "drop table \"public\".\"orders_2020_01_30\";")
                .endsWith("-- public.orders_2020_01_31 stays: the view report is made of it")
                .hasSize(7);
        assertThat(values("select count(*)::text from pg_inherits where inhparent = 'orders'::regclass"))
                .containsExactly("5");

        CommandRun done = run("drop", "orders", "--older-than", "30 days");
        assertThat(done.status()).isEqualTo(1);
        assertThat(done.out().lines())
                .containsExactly(
                        "dropped public.orders_2020_01_30",
                        "dropped public.orders_2020_02_01",
                        "dropped public.orders_2020_02_02");
        assertThat(done.err()).contains("public.orders_2020_01_31 stays: the view report is made of it");
        assertThat(values("select count(*)::text from pg_inherits where inhparent = 'orders'::regclass"))
                .containsExactly("2");

        execute("drop view report");
        assertThat(run("drop", "orders", "--older-than", "P30D", "--detach").out())
                .isEqualToIgnoringNewLines("detached public.orders_2020_01_31\n");
        assertThat(
                        values(
                                "select relname from pg_class where relname ~ '^orders_20.._.*[^y]$' and relname < 'orders_2021' order by 1"))
                .containsExactly("orders_2019_01_01", "orders_2020_01_31");
        assertThat(run("drop", "orders", "--older-than", "P30D", "--dry-run").out())
                .startsWith("-- no partition of public.orders is older than P30D");
        assertThat(run("drop", "orders", "--older-than", "P30D", "--json").out())
                .isEqualToIgnoringNewLines("[]\n");
    }

    @Test
    void a_jobs_settings_count_where_one_is_named() throws Exception {
        Path config = Setup.config(
                directory.resolve("config"),
                Map.of(
                        "database.sourceDb.url", url,
                        "database.targetDb.url", url,
                        "dispatch.destTable", "public.orders",
                        "dispatch.partField", "day",
                        "dispatch.period", "month"));
        Path routes = Files.createDirectory(directory.resolve("routes"));
        try (Stream<Path> shipped = Files.list(Path.of("routes"))) {
            for (Path file : shipped.filter(Files::isRegularFile).toList()) {
                String period = "                    period: \"{{dispatch.period}}\"\n";
                Files.writeString(
                        routes.resolve(file.getFileName()),
                        Files.readString(file)
                                .replace(period, period + "                    retentionPeriod: 1 year\n"));
            }
        }
        String[] job = {"--job", "dispatch", "--config", config.toString(), "--routes", routes.toString()};

        CommandRun created = plain("create", job, "--from", "2020-01-30", "--to", "2020-02-02");
        assertThat(created.out().lines())
                .as(created.err())
                .hasSize(2)
                .allMatch(line -> line.startsWith("made public.orders_2020_0"));
        assertThat(plain("list", job).out()).contains("old");
        assertThat(plain("drop", job, "--dry-run").out().lines()).hasSize(4);
        assertThat(plain("drop", job, "--period", "day").status()).isEqualTo(2);
        assertThat(plain("list", new String[] {
                            "--job", "dispatsch", "--config", config.toString(), "--routes", routes.toString()
                        })
                        .err())
                .contains("there is no route \"dispatsch\"", "dispatch-rows");
    }

    @Test
    void what_cannot_be_meant_is_refused() {
        assertThat(run("drop", "orders")).satisfies(run -> {
            assertThat(run.status()).isEqualTo(2);
            assertThat(run.err()).contains("--older-than is missing");
        });
        assertThat(run("drop", "orders", "--older-than", "yesterday").err())
                .contains("--older-than': must be a time longer than nothing");
        assertThat(run("create", "orders").err()).contains("--ahead is missing");
        assertThat(run("create", "orders", "--from", "2020-13-01", "--to", "x").err())
                .contains("must be a date or time");
        assertThat(run("list").err()).contains("TABLE is missing");
        assertThat(run("list", "nothing").err()).contains("There is no table nothing");
        assertThat(CommandRun.of("partitions").err()).contains("Missing required subcommand");
    }

    private CommandRun run(String command, String... args) {
        return plain(command, args, "--db", url);
    }

    private static CommandRun plain(String command, String[] args, String... more) {
        List<String> all = new ArrayList<>(List.of("partitions", command));
        all.addAll(List.of(args));
        all.addAll(List.of(more));
        return CommandRun.of(all.toArray(new String[0]));
    }

    private void execute(String... statements) throws SQLException {
        try (Statement statement = target.createStatement()) {
            for (String sql : statements) {
                statement.execute(sql);
            }
        }
    }

    private List<String> values(String query) throws SQLException {
        List<String> values = new ArrayList<>();
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                values.add(row.getString(1));
            }
        }
        return values;
    }
}
