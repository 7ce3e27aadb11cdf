package io.pgcaravan.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.pgcaravan.app.Database;
import io.pgcaravan.camel.BatchDataSource;
import io.pgcaravan.server.PrivateCluster;
import io.pgcaravan.server.ServerBinaries;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.postgresql.PGConnection;
import org.postgresql.copy.CopyOut;

/** Addresses lead to a real server: over its Unix socket, with what service and password files say, to the right host. */
class LiveAddressTest {

    private static final String PASSFILE = "org.postgresql.pgpassfile";
    private static final String OS_USER = System.getProperty("user.name");

    private static PrivateCluster cluster;
    private static Path sockets;

    @TempDir
    private Path home;

    private final Map<String, String> variables = new HashMap<>();
    private final List<String> warnings = new ArrayList<>();

    @BeforeAll
    static void start() throws Exception {
        // a server of another machine or in a container has no socket here
        assumeThat(ServerBinaries.find()).isPresent();
        cluster = PrivateCluster.start(Files.createTempDirectory("pgc-"), Map.of());
        sockets = cluster.directory();
        try (Connection admin = DriverManager.getConnection(cluster.jdbcUrl("postgres"));
                Statement statement = admin.createStatement()) {
            if (!OS_USER.equals(PrivateCluster.USER)) {
                statement.execute("create role \"" + OS_USER + "\" login");
                statement.execute("create database \"" + OS_USER + "\"");
            }
            statement.execute("create role trusted login");
            statement.execute("create role nobody_else login");
            statement.execute("create role ann login password 'anns secret'");
            statement.execute("create database \"my shop\"");
            statement.execute("alter system set unix_socket_directories = '" + sockets + "'");
        }
        Files.writeString(sockets.resolve("data/pg_hba.conf"), """
                local all trusted trust
                local all "%s" peer
                local all nobody_else peer
                local all all scram-sha-256
                host all all 127.0.0.1/32 scram-sha-256
                """.formatted(OS_USER));
        cluster.restart(false);
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            cluster.close();
        }
    }

    /** As PGPASSFILE does, which a test cannot set. */
    @BeforeEach
    void use_a_password_file() {
        System.setProperty(PASSFILE, home.resolve(".pgpass").toString());
    }

    @AfterEach
    void use_none() {
        System.clearProperty(PASSFILE);
    }

    @Test
    void peer_authentication_over_the_socket_that_is_found() throws SQLException {
        assertThat(ask("port=" + cluster.port(), "select current_user || ' ' || current_database()"))
                .isEqualTo(OS_USER + " " + OS_USER);
        assertThat(ask("port=" + cluster.port(), "select coalesce(inet_client_addr()::text, 'socket')"))
                .isEqualTo("socket");
    }

    @Test
    void peer_authentication_refuses_another_name() {
        assertThatThrownBy(() -> ask("user=nobody_else dbname=postgres port=" + cluster.port(), "select 1"))
                .hasMessageContaining("socket " + sockets + "/.s.PGSQL." + cluster.port())
                .hasMessageContaining("Peer authentication failed for user \"nobody_else\"");
    }

    @Test
    void directories_uris_and_variables_lead_to_the_socket() throws SQLException {
        String port = " port=" + cluster.port();
        assertThat(ask("host=" + sockets + " user=trusted dbname='my shop'" + port, "select current_database()"))
                .isEqualTo("my shop");
        assertThat(ask(
                        "postgresql://trusted@/my%20shop?host=" + sockets + "&port=" + cluster.port(),
                        "select current_database()"))
                .isEqualTo("my shop");
        variables.putAll(Map.of(
                "PGHOST", sockets.toString(),
                "PGPORT", Integer.toString(cluster.port()),
                "PGUSER", "trusted",
                "PGDATABASE", "my shop",
                "PGAPPNAME", "by variable",
                "PGOPTIONS", "-c work_mem=7MB"));
        assertThat(ask(
                        "postgresql://",
                        "select current_database() || current_setting('application_name') ||"
                                + " current_setting('work_mem')"))
                .isEqualTo("my shopby variable7MB");
    }

    @Test
    void a_password_comes_from_the_password_file_by_socket_and_by_tcp() throws Exception {
        passfile("localhost:" + cluster.port() + ":postgres:ann:anns secret", "127.0.0.1:*:*:ann:anns secret");
        // every socket counts as localhost
        assertThat(ask("user=ann dbname=postgres port=" + cluster.port(), "select current_user"))
                .isEqualTo("ann");
        assertThat(ask("host=127.0.0.1 user=ann dbname=postgres port=" + cluster.port(), "select current_user"))
                .isEqualTo("ann");
    }

    @Test
    void a_password_file_that_others_may_read_is_not_used() throws Exception {
        Path file = passfile("*:*:*:*:anns secret");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-r--"));
        assertThatThrownBy(() ->
                        ask("host=127.0.0.1 user=ann dbname=postgres port=" + cluster.port(), "select current_user"))
                .hasMessageContaining("password")
                .hasMessageContaining("127.0.0.1:" + cluster.port() + ":postgres:ann:PASSWORD")
                .message()
                .doesNotContain("secret");
        assertThat(warnings).singleElement().asString().contains("is ignored");
    }

    @Test
    void a_password_file_with_an_unfinished_line_is_named() throws Exception {
        passfile("localhost:" + cluster.port() + ":postgres:ann");
        assertThatThrownBy(() -> ask("user=ann dbname=postgres port=" + cluster.port(), "select 1"))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining(".pgpass has an invalid line; expected host:port:database:user:password");
    }

    @Test
    void each_host_has_its_password_and_a_changed_one_is_taken_without_a_restart() throws Exception {
        Address address =
                Address.parse("host=/nowhere,127.0.0.1 user=ann dbname=postgres port=" + cluster.port(), environment());
        passfile("localhost:*:*:*:of the socket", "127.0.0.1:*:*:ann:old secret");
        assertThatThrownBy(() -> address.connect(new Properties()))
                .hasMessageContaining("password authentication failed");
        passfile("localhost:*:*:*:of the socket", "127.0.0.1:*:*:ann:anns secret");
        address.connect(new Properties()).close();
    }

    @Test
    void a_wrong_password_is_not_shown() {
        assertThatThrownBy(() -> ask(
                        "postgresql://ann:wrongsecret@127.0.0.1:" + cluster.port() + "/postgres",
                        "select current_user"))
                .hasMessageContaining("password authentication failed for user \"ann\"")
                .message()
                .doesNotContain("wrongsecret");
    }

    @Test
    void a_service_says_where_and_who() throws Exception {
        Files.writeString(
                home.resolve(".pg_service.conf"),
                "[shop]\nhost=" + sockets + "\nport=" + cluster.port() + "\nuser=trusted\ndbname=my shop\n");
        assertThat(ask("service=shop", "select current_database()")).isEqualTo("my shop");
        variables.put("PGSERVICE", "shop");
        assertThat(ask("dbname=postgres", "select current_database() || ' ' || current_user"))
                .isEqualTo("postgres trusted");
    }

    @Test
    void the_first_of_several_hosts_that_answers_is_taken() throws SQLException {
        assertThat(ask(
                        "host=127.0.0.1,/nowhere," + sockets + " port=1," + cluster.port() + "," + cluster.port()
                                + " user=trusted dbname=postgres",
                        "select coalesce(inet_client_addr()::text, 'socket')"))
                .isEqualTo("socket");
        assertThatThrownBy(() ->
                        ask("host=127.0.0.1,/nowhere port=1,2 user=trusted dbname=postgres", "select current_user"))
                .hasMessageContaining("host 127.0.0.1:1: Connection refused")
                .hasMessageContaining("socket /nowhere/.s.PGSQL.2: ");
    }

    @Test
    void a_host_that_says_no_ends_the_search() {
        assertThatThrownBy(() -> ask(
                        "host=" + sockets + ",127.0.0.1 port=" + cluster.port() + " user=trusted dbname=missing",
                        "select current_user"))
                .hasMessageContaining("database \"missing\" does not exist")
                .message()
                .doesNotContain("127.0.0.1");
    }

    @Test
    void a_host_that_is_not_wanted_is_passed_by() throws SQLException {
        String local = "host=" + sockets + " port=" + cluster.port() + " user=trusted dbname=postgres";
        for (String fits : List.of("any", "read-write", "primary", "prefer-standby")) {
            assertThat(ask(local + " target_session_attrs=" + fits, "select 1")).isEqualTo("1");
        }
        for (String unfit : List.of("read-only", "standby")) {
            assertThatThrownBy(() -> ask(local + " target_session_attrs=" + unfit, "select 1"))
                    .hasMessageContaining("does not suit target_session_attrs=" + unfit);
        }
        String readOnly = local + " options='-c default_transaction_read_only=on' target_session_attrs=";
        assertThat(ask(readOnly + "read-only", "select 1")).isEqualTo("1");
        assertThatThrownBy(() -> ask(readOnly + "read-write", "select 1")).hasMessageContaining("does not suit");
    }

    @Test
    void a_host_that_hangs_leaves_the_next_its_time() throws Exception {
        try (ServerSocket silent = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            assertThat(ask(
                            "host=127.0.0.1," + sockets + " port=" + silent.getLocalPort() + "," + cluster.port()
                                    + " user=trusted dbname=postgres connect_timeout=2",
                            "select current_user"))
                    .isEqualTo("trusted");
        }
    }

    @Test
    void a_socket_that_is_not_there_is_named() {
        assertThatThrownBy(() -> ask("dbname=x port=1", "select 1"))
                .hasMessageContaining("socket " + home + "/.s.PGSQL.1: ")
                .hasMessageContaining("No such file");
    }

    @Test
    void a_pool_says_it_too_and_serves_over_a_socket() throws SQLException {
        try (BatchDataSource pool =
                Database.parse("host=/nowhere dbname=x user=y").pool("none", 2)) {
            assertThatThrownBy(pool::getConnection)
                    .hasMessageContaining(
                            "none, database \"x\" on socket /nowhere/.s.PGSQL.5432 as y cannot be reached")
                    .hasMessageContaining("No such file");
        }
        String local = "host=" + sockets + " port=" + cluster.port() + " user=trusted dbname=postgres";
        try (BatchDataSource pool = Database.parse(local).pool("some", 2);
                Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select current_setting('application_name')")) {
            row.next();
            assertThat(row.getString(1)).isEqualTo("pgcaravan");
        }
    }

    @Test
    void copies_notifications_timeouts_and_cancels_work_over_a_socket() throws SQLException {
        try (Connection connection = connect("user=trusted dbname=postgres port=" + cluster.port());
                Statement statement = connection.createStatement()) {
            PGConnection pg = connection.unwrap(PGConnection.class);
            CopyOut copy =
                    pg.getCopyAPI().copyOut("copy (select repeat('x', 1000) from generate_series(1, 20000)) to stdout");
            long bytes = 0;
            byte[] row;
            while ((row = copy.readFromCopy()) != null) {
                bytes += row.length;
            }
            assertThat(bytes).isEqualTo(20_020_000);
            statement.execute("listen told");
            assertThat(pg.getNotifications(50)).isNullOrEmpty();
            statement.execute("notify told, 'now'");
            assertThat(pg.getNotifications(5000)).hasSize(1);
            statement.setQueryTimeout(1);
            assertThatThrownBy(() -> statement.execute("select pg_sleep(60)"))
                    .hasMessageContaining("canceling statement");
            assertThat(connection.isValid(5)).isTrue();
        }
    }

    private Path passfile(String... lines) throws IOException {
        Path file = Files.writeString(home.resolve(".pgpass"), String.join("\n", lines) + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    private LibpqEnvironment environment() {
        return new LibpqEnvironment(variables, OS_USER, home, List.of(home, sockets), List.of(), warnings::add);
    }

    private Connection connect(String text) throws SQLException {
        return Address.parse(text, environment()).connect(new Properties());
    }

    private String ask(String text, String query) throws SQLException {
        try (Connection connection = connect(text);
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }
}
