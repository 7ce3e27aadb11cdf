package io.pgcaravan.cli;

import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import io.pgcaravan.app.Application;
import io.pgcaravan.app.PlainWriter;
import io.pgcaravan.sql.TableName;
import java.io.PrintWriter;
import java.io.Reader;
import java.io.StringWriter;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.core.impl.Log4jLogEvent;
import org.apache.logging.log4j.core.layout.PatternLayout;
import org.apache.logging.log4j.message.SimpleMessage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.yaml.snakeyaml.Yaml;

/**
 * Nothing from an event, a name, a file or an ini reaches SQL, the file system or a terminal as anything but text. In both
 * databases there is a table "victim" that each of these names and values asks to be dropped; and all files are looked at that
 * are there afterwards. What a drop directory may hold is in HostileDropTest.
 */
class HostileInputTest {

    private static final String ESCAPES = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\b\r";

    private static final List<String> VALUES = List.of(
            "'); drop table victim; --",
            "\"); drop table victim; --",
            "'; drop table victim; select '",
            "$$; drop table victim; $$",
            "\\'; drop table victim; --",
            "\\.",
            "\\N",
            "\\",
            "a\\.\n\\.\nb\tc",
            "../../../../tmp/pgcaravan-owned",
            "| touch /tmp/pgcaravan-owned",
            "${sys:user.home} {{env:HOME}} ${jndi:ldap://127.0.0.1:1/x}",
            "%s %n %1$s ? :x @>",
            ESCAPES,
            "x".repeat(70) + "\"; drop table victim; --");

    @TempDir
    private Path directory;

    private String sourceUrl;
    private String targetUrl;
    private Connection source;
    private Connection target;

    @BeforeEach
    void make_both_sides_with_a_victim() throws SQLException {
        sourceUrl = PgServer.get().createDatabaseWithPgq("hostile_source");
        targetUrl = PgServer.get().createDatabase("hostile_target");
        source = DriverManager.getConnection(sourceUrl);
        target = DriverManager.getConnection(targetUrl);
        for (Connection side : List.of(source, target)) {
            execute(side, "create table victim (id int)", "insert into victim values (1)");
        }
    }

    @AfterEach
    void everything_is_still_there() throws Exception {
        for (Connection side : List.of(source, target)) {
            assertThat(value(side, "select count(*) from victim")).isEqualTo(1L);
            side.close();
        }
        assertThat(Path.of("/tmp/pgcaravan-owned")).doesNotExist();
    }

    @Test
    void events_names_and_templates_of_dispatch() throws Exception {
        String evil = "o'r\"d; drop table victim; --";
        // rows that are appended, whatever their type; columns that nobody has; rows that cannot be loaded
        table(
                "public",
                "log" + evil,
                "id bigint, v text, \"when\" timestamp not null",
                "partition by range (\"when\")");
        // changes by a key, in temporary tables
        table("public", "keyed" + evil, "\"k" + evil.replace("\"", "\"\"") + "\" text primary key, v text", "");
        // partitions by value
        table("public", "kinds", "id bigint, v text, kind text", "partition by list (kind)");
        // partitions by a template
        table("public", "made" + evil, "\"k" + evil.replace("\"", "\"\"") + "\" text, v text, \"when\" timestamp", "");
        Map<String, String> keys = new TreeMap<>();
        List<String> queues = List.of("log", "keyed", "kinds", "made");
        for (String queue : queues) {
            try (PreparedStatement create = source.prepareStatement("select pgq.create_queue(?)")) {
                create.setString(1, queue + evil);
                create.execute();
            }
            CommandRun registered = CommandRun.of(
                    "queue",
                    "register",
                    queue + evil,
                    "c" + queue + evil,
                    "--source",
                    sourceUrl,
                    "--target",
                    targetUrl);
            assertThat(registered.status()).as(registered.err()).isZero();
            keys.put(queue + ".queue", queue + evil);
            keys.put(queue + ".consumer", "c" + queue + evil);
            keys.put(queue + ".dest", "public." + (queue.equals("kinds") ? queue : queue + evil));
        }
        int number = 0;
        for (String value : VALUES) {
            number++;
            String row = "id=" + number + "&v=" + encode(value) + "&when=2026-10-01&" + encode("col" + value) + "=1";
            event("log" + evil, "I:" + value, row, "public." + value);
            event("log" + evil, "I:id", row.replace("id=" + number, "id=" + encode(value)), value);
            event("log" + evil, "I:id", row.replace("2026-10-01", encode(value)), value);
            event("keyed" + evil, "I:k" + evil, encode("k" + evil) + "=" + encode(value) + "&v=a", "public.t");
            event("keyed" + evil, "U:k" + evil, encode("k" + evil) + "=" + encode(value) + "&v=" + encode(value), "t");
            event("kinds" + evil, "I:id", "id=" + number + "&kind=" + encode(value) + "&v=" + encode(value), "t");
            event(
                    "made" + evil,
                    "I:k" + evil,
                    encode("k" + evil) + "=" + encode(value) + "&v=" + encode(value) + "&when=2026-10-0"
                            + (1 + number % 9),
                    value);
        }
        event("keyed" + evil, "D:k" + evil, encode("k" + evil) + "=" + encode(VALUES.get(0)), "public.t");
        List<Path> before = files();

        try (Application application = Application.configured(config(keys), routes())) {
            application.start();
            await().atMost(Duration.ofSeconds(60)).until(() -> {
                execute(source, "select pgq.force_tick(queue_name), pgq.ticker(queue_name) from pgq.queue");
                return value(target, "select count(*) from caravan.position where event_seq > 1")
                        .equals((long) queues.size());
            });
        }

        List<String> sorted = VALUES.stream().sorted().toList();
        assertThat(texts(target, "select v from " + quoted("log" + evil))).isEqualTo(sorted);
        assertThat(texts(target, "select v from " + quoted("keyed" + evil)))
                .isEqualTo(sorted.stream()
                        .filter(value -> !value.equals(VALUES.get(0)))
                        .toList());
        assertThat(texts(target, "select v from " + quoted("kinds"))).isEqualTo(sorted);
        assertThat(texts(target, "select v from " + quoted("made" + evil))).isEqualTo(sorted);
        assertThat(files()).isEqualTo(before);
        deadLettersAreShown(2 * VALUES.size());
    }

    private void deadLettersAreShown(int expected) throws SQLException {
        assertThat(value(target, "select count(*) from caravan.dead_letter")).isEqualTo((long) expected);
        CommandRun list = CommandRun.of("dead-letter", "list", "--db", targetUrl);
        assertThat(list.status()).isZero();
        // a heading and a line each: no value has made a line of its own
        assertThat(list.out().lines()).hasSize(expected + 1);
        assertPlain(list.out());
        assertPlain(CommandRun.of("dead-letter", "list", "--json", "--db", targetUrl)
                .out());
        for (String id : texts(target, "select id::text from caravan.dead_letter")) {
            CommandRun show = CommandRun.of("dead-letter", "show", id, "--db", targetUrl);
            assertThat(show.status()).isZero();
            assertPlain(show.out());
        }
        assertThat(CommandRun.of(
                                "dead-letter",
                                "retry",
                                "--all",
                                "--db",
                                targetUrl,
                                "--config",
                                config0(),
                                "--routes",
                                routes0())
                        .out())
                .satisfies(HostileInputTest::assertPlain);
        assertPlain(CommandRun.of("queue", "list", "--db", sourceUrl).out());
        assertPlain(CommandRun.of("status", "--config", config0(), "--routes", routes0())
                .out());
        assertPlain(CommandRun.of("partitions", "list", "public.kinds", "--db", targetUrl)
                .out());
    }

    @Test
    void queues_tables_and_roles_on_the_command_line() throws Exception {
        for (String value :
                List.of(VALUES.get(0), VALUES.get(1), VALUES.get(4), VALUES.get(8), VALUES.get(9), ESCAPES)) {
            CommandRun create =
                    CommandRun.of("queue", "create", value, "--table", "public." + value, "--db", sourceUrl);
            assertThat(create.status()).isEqualTo(1);
            assertPlain(create.err());
            execute(
                    source,
                    "create table " + quoted(value) + " (id int primary key, " + quoted("c" + value) + " text)");
            CommandRun fed = CommandRun.of("queue", "create", value, "--table", "public." + value, "--db", sourceUrl);
            assertThat(fed.status()).as(fed.err()).isZero();
            assertPlain(fed.out());
            execute(source, "insert into " + quoted(value) + " values (1, 'x')");
            for (String[] command : new String[][] {
                {"queue", "tick", value, "--db", sourceUrl},
                {"queue", "register", value, value, "--source", sourceUrl, "--target", targetUrl},
                {"queue", "list", "--db", sourceUrl},
                {"queue", "unregister", value, value, "--source", sourceUrl},
                {"grants", "--role", value, "--side", "export", "--table", "public." + value},
                {"grants", "--role", value, "--side", "queues", "--table", "public." + value}
            }) {
                CommandRun run = CommandRun.of(command);
                assertThat(run.status()).as(run.err()).isZero();
                assertPlain(run.out());
            }
            execute(source, "drop table " + quoted(value));
            assertThat(CommandRun.of("queue", "drop", value, "--force", "--db", sourceUrl)
                            .status())
                    .isZero();
        }
    }

    @Test
    void tables_columns_and_values_that_are_shipped() throws Exception {
        Path drop = Files.createDirectories(directory.resolve("drop"));
        int number = 0;
        for (String value : VALUES) {
            if (value.length() > 60 || value.contains("\n")) {
                continue;
            }
            number++;
            String ddl = "create table " + quoted("s" + value) + "." + quoted(value) + " (" + quoted("k" + value)
                    + " text primary key, " + quoted("c" + value) + " text)";
            execute(source, "create schema " + quoted("s" + value), ddl);
            execute(target, "create schema " + quoted("s" + value), ddl);
            assertThat(CommandRun.of("ddl", "exporter", "s" + value, value, "--apply", "--db", sourceUrl)
                            .err())
                    .isEmpty();
            assertThat(CommandRun.of("ddl", "importer", "s" + value, value, "--apply", "--db", targetUrl)
                            .err())
                    .isEmpty();
            String into = "insert into " + quoted("s" + value) + "." + quoted(value) + " values (?, ?)";
            try (PreparedStatement insert = source.prepareStatement(into)) {
                for (String one : VALUES) {
                    insert.setString(1, one);
                    insert.setString(2, one);
                    insert.executeUpdate();
                }
            }
            if (value.contains(".")) {
                // the first dot of --table would be the schema's
                continue;
            }
            CommandRun export = CommandRun.of(
                    "export",
                    "--db",
                    sourceUrl,
                    "--table",
                    "s" + value + "." + value,
                    "--target",
                    "../../far/" + target.getCatalog(),
                    "--dir",
                    drop.toString());
            assertThat(export.status()).as(export.err()).isZero();
            assertPlain(export.out());
            CommandRun imported = CommandRun.of(
                    "import",
                    "--db",
                    targetUrl,
                    "--dir",
                    drop.toString(),
                    "--target",
                    "../../far/" + target.getCatalog());
            assertThat(imported.status()).as(imported.err() + imported.out()).isZero();
            assertPlain(imported.out());
            String rows = "select t::text from " + quoted("s" + value) + "." + quoted(value) + " t";
            assertThat(texts(target, rows)).isEqualTo(texts(source, rows));
        }
        assertThat(number).isGreaterThan(8);
        // all names are of characters that mean nothing to any shell or file system
        assertThat(files())
                .allMatch(file -> directory.relativize(file).toString().matches("[A-Za-z0-9_%~./-]+"));
        assertThat(files()).allMatch(file -> file.startsWith(drop));
        assertPlain(CommandRun.of("target", "list", "--db", sourceUrl).out());
    }

    @Test
    void connection_texts_mean_one_database_whatever_they_hold() throws Exception {
        String local = sourceUrl.replaceFirst("^jdbc:postgresql://([^:/]+):(\\d+)/.*$", "host=$1 port=$2");
        Properties parsed = org.postgresql.Driver.parseURL(sourceUrl, null);
        String who = " user=" + parsed.getProperty("user") + " password=" + parsed.getProperty("password");
        for (String name : List.of(
                "x?user=somebody&sslmode=disable",
                "x/../" + source.getCatalog(),
                "x&options=-c",
                "x#y",
                "' or 1",
                "a%41")) {
            String quoted = name.replace("\\", "\\\\").replace("'", "\\'");
            CommandRun run = CommandRun.of("queue", "list", "--db", local + who + " dbname='" + quoted + "'");
            assertThat(run.status()).isEqualTo(1);
            assertThat(run.err()).contains("database \"" + name + "\" does not exist");
        }
        CommandRun service = CommandRun.of("queue", "list", "--db", "service=../../../etc/passwd" + ESCAPES.strip());
        assertThat(service.status()).isEqualTo(2);
        assertPlain(service.err());
    }

    @Test
    void an_ini_becomes_one_route_whatever_its_values_hold() throws Exception {
        for (String value : VALUES) {
            if (value.contains("{{") || value.contains("?") || value.contains("\n") || value.contains("\r")) {
                continue;
            }
            Path ini = directory.resolve("job.ini");
            Files.writeString(ini, """
                    [table_dispatcher]
                    src_db = dbname=a user=me
                    dst_db = dbname=b
                    job_name = j
                    queue_name = q%1$s
                    consumer_name = c%1$s
                    dest_table = public.t%1$s
                    fields = *
                    part_field = f%1$s
                    part_template = create table _DEST_TABLE (like x);\u2028
                        - route:\u0085steps: %1$s
                        comment on table _DEST_TABLE is '';
                    """.formatted(value.replace("%", "%%")));
            CommandRun run = CommandRun.of("convert", ini.toString());
            assertThat(run.status()).as(run.err()).isZero();
            String route =
                    run.out().lines().filter(line -> !line.startsWith("#")).reduce("", (a, b) -> a + b + "\n");
            assertThat((List<?>) new Yaml().load(route)).as(route).hasSize(1);
            assertThat(run.out().lines().filter(line -> line.startsWith("- "))).hasSize(1);
        }
        Path ini = directory.resolve("job.ini");
        Files.writeString(ini, """
                [table_dispatcher]
                src_db = dbname=a
                dst_db = dbname=b
                job_name = j
                queue_name = q?source=#targetDb
                dest_table = public.{{env:HOME}}?rowMode=plain
                """);
        CommandRun refused = CommandRun.of("convert", ini.toString());
        assertThat(refused.status()).isEqualTo(2);
        assertThat(refused.err()).contains("queue_name contains ?", "dest_table contains ?", "dest_table contains {{");
    }

    @Test
    void log_lines_are_told_from_what_they_quote() throws Exception {
        Properties log = new Properties();
        try (Reader reader = Files.newBufferedReader(Path.of("config/log4j2.properties"))) {
            log.load(reader);
        }
        Properties quiet = new Properties();
        try (Reader reader =
                Files.newBufferedReader(Path.of("src/main/resources/io/pgcaravan/app/quiet-log4j2.properties"))) {
            quiet.load(reader);
        }
        List<String> patterns = Stream.concat(log.entrySet().stream(), quiet.entrySet().stream())
                .filter(entry -> entry.getKey().toString().endsWith(".pattern"))
                .map(entry -> entry.getValue().toString())
                .toList();
        assertThat(patterns).hasSize(2);
        for (String pattern : patterns) {
            String line = PatternLayout.newBuilder()
                    .withPattern(pattern)
                    .build()
                    .toSerializable(Log4jLogEvent.newBuilder()
                            .setLoggerName("io.pgcaravan.Queue")
                            .setLevel(Level.WARN)
                            .setMessage(new SimpleMessage(
                                    "queue \"" + ESCAPES + "\n2026-11-21 00:00:00,000 INFO all is well\" ä"))
                            .setThrown(new IllegalStateException(ESCAPES))
                            .build());
            assertPlain(line);
            assertThat(line).contains("queue \"?", "ä", "  | 2026-11-21", "IllegalStateException");
            assertThat(line.lines().filter(one -> one.startsWith("2026-11-21 00:00:00,000")))
                    .isEmpty();
        }
    }

    @Test
    void what_commands_print_is_text() {
        StringWriter printed = new StringWriter();
        PlainWriter out = new PlainWriter(new PrintWriter(printed));
        out.print("a" + ESCAPES + "ä😀\tb\n");
        out.printf("%s%n", "\u001b[31m");
        assertThat(printed.toString())
                .isEqualTo("a\\u001b]0;owned\\u0007\\u001b[2J\\u009b31m\\u202e\\u0008\\u000dä😀\tb\n\\u001b[31m\n");
    }

    /** No character that would do anything to a terminal. */
    private static void assertPlain(String text) {
        assertThat(text.chars()
                        .filter(c -> c < ' ' && c != '\n' && c != '\t' || c >= 0x7f && c <= 0x9f || c == 0x202e)
                        .mapToObj(Integer::toHexString))
                .as(text)
                .isEmpty();
    }

    // ---- the job

    private Path config(Map<String, String> keys) throws Exception {
        List<String> lines = new ArrayList<>();
        Map<String, String> all = new TreeMap<>(keys);
        all.put("database.sourceDb.url", sourceUrl);
        all.put("database.targetDb.url", targetUrl);
        all.put("camel.main.autoConfigurationLogSummary", "false");
        all.forEach((key, value) -> lines.add(key + " = " + value.replace("\\", "\\\\")));
        Path config = Files.createDirectories(directory.resolve("config"));
        Files.write(config.resolve("application.properties"), lines);
        return config;
    }

    private String config0() {
        return directory.resolve("config").toString();
    }

    private String routes0() {
        return directory.resolve("routes").toString();
    }

    private Path routes() throws Exception {
        Path routes = Files.createDirectories(directory.resolve("routes"));
        String step = "              - to: {uri: \"pgq-partition:{{%s.dest}}\", parameters: {%s}}\n";
        route(routes, "log", step.formatted("log", "partField: when, period: day"), "append");
        route(routes, "keyed", "", "plain");
        route(
                routes,
                "kinds",
                step.formatted("kinds", "partField: kind, partMode: list, maxPartitions: 1000"),
                "append");
        route(
                routes,
                "made",
                step.formatted(
                        "made",
                        "partField: when, period: day, partTemplate: \"create table _DEST_TABLE () inherits (_PARENT); alter"
                                + " table only _DEST_TABLE add constraint _DEST_TABLE_pkey primary key (_PKEY); comment on"
                                + " table _DEST_TABLE is '_SCHEMA_TABLE'\""),
                "append");
        return routes;
    }

    private static void route(Path routes, String id, String partition, String mode) throws Exception {
        Files.writeString(
                routes.resolve(id + ".camel.yaml"),
                """
                - route:
                    id: ID
                    from:
                      uri: "pgq:{{ID.queue}}"
                      parameters: {consumer: "{{ID.consumer}}", source: "#sourceDb", target: "#targetDb", onError: dead-letter, maxDeadLetters: 1000}
                      steps:
                        - split:
                            simple: "${body}"
                            streaming: true
                            steps:
                              - to: {uri: "pgq-decode:logutriga"}
                PARTITION              - to: {uri: "pgq-copy:{{ID.dest}}", parameters: {rowMode: MODE, onUnknownColumn: ignore}}
                """.replace("PARTITION", partition).replace("MODE", mode).replace("ID", id));
    }

    private void event(String queue, String type, String data, String table) throws SQLException {
        try (PreparedStatement insert =
                source.prepareStatement("select pgq.insert_event(?, ?, ?, ?, null, null, null)")) {
            insert.setString(1, queue);
            insert.setString(2, type);
            insert.setString(3, data);
            insert.setString(4, table);
            insert.execute();
        }
    }

    private void table(String schema, String name, String columns, String end) throws SQLException {
        execute(target, "create table " + new TableName(schema, name).quoted() + " (" + columns + ") " + end);
    }

    // ---- what there is

    private List<Path> files() throws Exception {
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> !file.startsWith(directory.resolve("config"))
                            && !file.startsWith(directory.resolve("routes")))
                    .sorted()
                    .toList();
        }
    }

    private static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private static String quoted(String name) {
        return TableName.quote(name);
    }

    private static List<String> texts(Connection connection, String query) throws SQLException {
        List<String> values = new ArrayList<>();
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            while (row.next()) {
                values.add(row.getString(1));
            }
        }
        values.sort(null);
        return values;
    }

    private static Object value(Connection connection, String query) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getObject(1);
        }
    }
}
