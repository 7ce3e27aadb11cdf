package io.pgcaravan.cli;

import static io.pgcaravan.PgServer.value;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.PgServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.awaitility.core.ConditionTimeoutException;
import org.postgresql.Driver;

/**
 * A queue of orders, an empty target and a directory for the ini file of a table_dispatcher between them; and that command
 * in processes of its own, as it is started on a shell.
 */
final class IniJob implements AutoCloseable {

    /** The template of the classic tool's documentation. */
    static final String TEMPLATE = """
            part_template =
                create table _DEST_TABLE (like orders);
                alter table only _DEST_TABLE add constraint _DEST_TABLE_pkey primary key (id);
            """;

    final Path directory;
    final String sourceUrl;
    final String targetUrl;
    final Connection source;
    final Connection target;
    private final List<Process> started = new ArrayList<>();

    IniJob(Path directory) throws SQLException {
        this.directory = directory;
        sourceUrl = PgServer.get().createDatabaseWithPgq("ini_source");
        targetUrl = PgServer.get().createDatabase("ini_target");
        source = DriverManager.getConnection(sourceUrl);
        target = DriverManager.getConnection(targetUrl);
        execute(
                source,
                "select pgq.create_queue('orders')",
                "create table orders (id int primary key, note text, created_at timestamp)",
                "create trigger q after insert or update or delete on orders for each row execute function"
                        + " pgq.logutriga('orders')");
        execute(target, "create table orders (id int, note text, created_at timestamp)");
    }

    /** Registers the consumer, so that events from now on are its own. */
    void register(String consumer) throws SQLException {
        execute(source, "select pgq.register_consumer('orders', '" + consumer + "')");
    }

    /** One order a day from the given day of October 2026 on, and a tick. */
    void insert(int from, int to) throws SQLException {
        execute(
                source,
                "insert into orders select i, 'order ' || i, timestamp '2026-09-30 12:00' + i * interval '1 day'"
                        + " from generate_series(" + from + ", " + to + ") i");
        tick();
    }

    void tick() throws SQLException {
        execute(source, "select pgq.force_tick('orders')", "select pgq.ticker('orders')");
    }

    /** An ini file with both databases and the queue. */
    Path ini(String name, String more) throws IOException {
        return Files.writeString(
                directory.resolve(name + ".ini"), """
                [table_dispatcher]
                job_name = %s
                src_db = %s
                dst_db = %s
                pgq_queue_name = orders
                dest_table = orders
                loop_delay = 0.2
                %s
                """.formatted(name, conninfo(sourceUrl), conninfo(targetUrl), more));
    }

    static String conninfo(String jdbcUrl) {
        Properties parts = Driver.parseURL(jdbcUrl, null);
        return "host=" + parts.getProperty("PGHOST") + " port=" + parts.getProperty("PGPORT") + " dbname="
                + parts.getProperty("PGDBNAME") + " user=" + parts.getProperty("user")
                + (parts.getProperty("password") == null ? "" : " password=" + parts.getProperty("password"));
    }

    /** {@code caravan table-dispatcher} in a process of its own; what it writes goes to {@link #output}. */
    Process start(Object... arguments) throws IOException {
        return start(Map.of(), arguments);
    }

    Process start(Map<String, String> environment, Object... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        // without the tests' own logging
        String classes = Stream.of(System.getProperty("java.class.path").split(":"))
                .filter(entry -> !entry.endsWith("test-classes"))
                .collect(Collectors.joining(":"));
        command.addAll(List.of("-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", classes));
        command.addAll(List.of("io.pgcaravan.cli.Caravan", "table-dispatcher"));
        Stream.of(arguments).map(Object::toString).forEach(command::add);
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.appendTo(outputFile().toFile()));
        builder.environment().putAll(environment);
        Process process = builder.start();
        started.add(process);
        return process;
    }

    private Path outputFile() {
        return directory.resolve("output");
    }

    String output() throws IOException {
        return Files.exists(outputFile()) ? Files.readString(outputFile()) : "";
    }

    /** The exit code of a process that is about to end. */
    int ended(Process process) throws Exception {
        if (!process.waitFor(120, TimeUnit.SECONDS)) {
            throw new AssertionError("still running; its output:\n" + output());
        }
        return process.exitValue();
    }

    void awaitTarget(String query, String result) throws IOException {
        try {
            await().atMost(Duration.ofSeconds(120)).until(() -> result.equals(valueOrNull(target, query)));
        } catch (ConditionTimeoutException e) {
            throw new AssertionError(query + " did not become " + result + "; the output:\n" + output(), e);
        }
    }

    /** Waits for a line of the log file archive.log with all of these words. */
    void awaitLog(String... words) {
        awaitLine(directory.resolve("archive.log"), words);
    }

    /** Waits for a line on the console with all of these words. */
    void awaitOutput(String... words) {
        awaitLine(outputFile(), words);
    }

    private static void awaitLine(Path file, String... words) {
        await().atMost(Duration.ofSeconds(120)).untilAsserted(() -> assertThat(Files.readAllLines(file))
                .anySatisfy(line -> assertThat(line).contains(words)));
    }

    private static String valueOrNull(Connection connection, String query) {
        try {
            return value(connection, query);
        } catch (SQLException e) {
            return null; // a table that is still to be made
        }
    }

    /** The target's tables in order, each with its rows. */
    List<String> content() throws SQLException {
        List<String> content = new ArrayList<>();
        List<String> tables = new ArrayList<>();
        try (Statement statement = target.createStatement();
                ResultSet row = statement.executeQuery("select oid::regclass::text from pg_class where relkind = 'r'"
                        + " and relnamespace = 'public'::regnamespace order by 1")) {
            while (row.next()) {
                tables.add(row.getString(1));
            }
        }
        for (String table : tables) {
            content.add(table + ": "
                    + value(target, "select string_agg(t::text, ' ' order by t::text) from " + table + " t"));
        }
        return content;
    }

    @Override
    public void close() throws SQLException {
        for (Process process : started) {
            process.destroyForcibly();
        }
        source.close();
        target.close();
    }
}
