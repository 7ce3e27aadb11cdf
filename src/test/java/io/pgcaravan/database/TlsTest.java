package io.pgcaravan.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.pgcaravan.app.Database;
import io.pgcaravan.camel.BatchDataSource;
import io.pgcaravan.server.PrivateCluster;
import io.pgcaravan.server.ServerBinaries;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** TLS to a real server, with certificates of this test's own: what is let in, and what is not. */
class TlsTest {

    private static final String ENCRYPTED = "select ssl::text from pg_stat_ssl where pid = pg_backend_pid()";

    private static PrivateCluster cluster;

    /** The authorities and the client's certificates. */
    @TempDir
    static Path keys;

    /** Empty, so that no file in ~/.postgresql counts. */
    @TempDir
    static Path home;

    @BeforeAll
    static void start() throws Exception {
        assumeThat(ServerBinaries.find()).isPresent();
        cluster = PrivateCluster.start(Files.createTempDirectory("pgc-"), Map.of());
        authority("ca");
        authority("other");
        certificate("server", "ca", "localhost", "subjectAltName=DNS:localhost");
        certificate("ann", "ca", "ann", "keyUsage=digitalSignature");
        certificate("bob", "ca", "bob", "keyUsage=digitalSignature");
        certificate("forged", "other", "ann", "keyUsage=digitalSignature");
        UserPrincipal owner = Files.getOwner(cluster.directory().resolve("data"));
        for (String file : List.of("server.crt", "server.key", "ca.crt")) {
            Path copy = cluster.directory().resolve(file);
            Files.copy(keys.resolve(file), copy);
            Files.setPosixFilePermissions(copy, PosixFilePermissions.fromString("rw-------"));
            Files.setOwner(copy, owner);
        }
        try (Connection admin = DriverManager.getConnection(cluster.jdbcUrl("postgres"));
                Statement statement = admin.createStatement()) {
            statement.execute("create role ann login");
            statement.execute("create role pat login password 'pats secret'");
            for (String setting :
                    List.of("ssl_cert_file = server.crt", "ssl_key_file = server.key", "ssl_ca_file = ca.crt")) {
                String[] parts = setting.split(" = ");
                statement.execute("alter system set " + parts[0] + " = '"
                        + cluster.directory().resolve(parts[1]) + "'");
            }
            statement.execute("alter system set ssl = on");
        }
        Files.writeString(cluster.directory().resolve("data/pg_hba.conf"), """
                hostssl all ann 127.0.0.1/32 cert
                hostssl all pat 127.0.0.1/32 scram-sha-256
                host all postgres 127.0.0.1/32 scram-sha-256
                """);
        cluster.restart(false);
    }

    @AfterAll
    static void stop() {
        if (cluster != null) {
            cluster.close();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"prefer", "allow", "require", "verify-ca", "verify-full"})
    void every_mode_that_allows_tls_gets_it_from_a_server_that_can_show_who_it_is(String mode) throws SQLException {
        assertThat(pat("host=localhost sslmode=" + mode + " sslrootcert=" + keys.resolve("ca.crt"), ENCRYPTED))
                .isEqualTo("true");
    }

    @Test
    void tls_is_tried_first_where_nothing_is_said() throws SQLException {
        assertThat(pat("host=localhost", ENCRYPTED)).isEqualTo("true");
    }

    @Test
    void no_tls_is_refused_by_a_server_that_wants_it() {
        assertThatThrownBy(() -> pat("host=localhost sslmode=disable", ENCRYPTED))
                // as PostgreSQL 14 and later say it, and 13
                .hasMessageMatching("(?s).*(no encryption|SSL off).*");
    }

    @ParameterizedTest
    @ValueSource(strings = {"require", "verify-ca", "verify-full"})
    void a_server_of_another_authority_is_refused(String mode) {
        assertThatThrownBy(() ->
                        pat("host=localhost sslmode=" + mode + " sslrootcert=" + keys.resolve("other.crt"), ENCRYPTED))
                .hasMessageContaining("host localhost")
                .hasStackTraceContaining("PKIX path");
    }

    @Test
    void require_looks_at_no_certificate_without_a_root_certificate() throws SQLException {
        assertThat(pat("host=127.0.0.1 sslmode=require", ENCRYPTED)).isEqualTo("true");
    }

    @Test
    void verifying_without_a_root_certificate_is_refused() {
        for (String mode : List.of("verify-ca", "verify-full")) {
            assertThatThrownBy(() -> pat("host=localhost sslmode=" + mode, ENCRYPTED))
                    .as(mode)
                    .hasMessageContaining(".postgresql/root.crt");
        }
    }

    @Test
    void another_host_name_than_the_certificate_s_is_refused_by_verify_full_only() throws SQLException {
        String root = " sslrootcert=" + keys.resolve("ca.crt");
        assertThat(pat("host=127.0.0.1 sslmode=verify-ca" + root, ENCRYPTED)).isEqualTo("true");
        // an address is a name too, and not one in this certificate
        assertThatThrownBy(() -> pat("host=127.0.0.1 sslmode=verify-full" + root, ENCRYPTED))
                .hasMessageContaining("could not be verified");
    }

    @Test
    void jdbc_urls_mean_the_same() throws SQLException {
        String url = "jdbc:postgresql://localhost:" + cluster.port() + "/postgres?user=pat&password=pats%20secret"
                + "&sslmode=verify-full&sslrootcert=";
        assertThat(answer(Address.parse(url + keys.resolve("ca.crt")), ENCRYPTED))
                .isEqualTo("true");
        assertThatThrownBy(() -> answer(Address.parse(url + keys.resolve("other.crt")), ENCRYPTED))
                .hasStackTraceContaining("PKIX path")
                .message()
                .doesNotContain("secret");
        assertThatThrownBy(() -> answer(
                        Address.parse(url.replace("//localhost", "//127.0.0.1") + keys.resolve("ca.crt")), ENCRYPTED))
                .hasMessageContaining("could not be verified");
    }

    @Test
    void a_client_certificate_lets_its_role_in_and_no_other() throws Exception {
        assertThat(ask(
                        ann("ann.crt", "ann.key"),
                        "select current_user || ' ' || client_dn from pg_stat_ssl" + " where pid = pg_backend_pid()"))
                .isEqualTo("ann /CN=ann");
        assertThatThrownBy(() -> ask(ann("bob.crt", "bob.key"), "select 1"))
                .hasMessageContaining("certificate authentication failed for user \"ann\"");
        assertThatThrownBy(() -> ask(ann("forged.crt", "forged.key"), "select 1"))
                .isInstanceOf(SQLException.class);
        assertThatThrownBy(() -> ask(
                        "host=localhost user=ann dbname=postgres sslmode=verify-full sslrootcert="
                                + keys.resolve("ca.crt"),
                        "select 1"))
                .hasMessageContaining("valid client certificate");
    }

    @Test
    void certificates_in_the_home_directory_are_found_as_libpq_finds_them() throws Exception {
        Path directory = Files.createDirectories(home.resolve("of-ann/.postgresql"));
        Files.copy(keys.resolve("ca.crt"), directory.resolve("root.crt"));
        Files.copy(keys.resolve("ann.crt"), directory.resolve("postgresql.crt"));
        Files.copy(keys.resolve("ann.key"), directory.resolve("postgresql.key"));
        assertThat(answer(
                        Address.parse(
                                "host=localhost user=ann dbname=postgres sslmode=verify-full port=" + cluster.port(),
                                environment(home.resolve("of-ann"))),
                        "select current_user"))
                .isEqualTo("ann");
    }

    @Test
    void keys_of_every_form_that_openssl_writes_are_read_or_refused_with_the_command_that_converts_them()
            throws Exception {
        // PKCS#8, elliptic curve and RSA
        openssl("pkcs8", "-topk8", "-in", "ann.key", "-nocrypt", "-out", "ann.p8.pem");
        assertThat(ask(ann("ann.crt", "ann.p8.pem"), "select current_user")).isEqualTo("ann");
        openssl("genrsa", "-out", "rsa.pem", "2048");
        openssl("pkey", "-in", "rsa.pem", "-traditional", "-out", "rsa.key");
        sign("rsa", "ca", "ann", "keyUsage=digitalSignature");
        // DER
        openssl("pkcs8", "-topk8", "-in", "ann.key", "-nocrypt", "-outform", "DER", "-out", "ann.pk8");
        assertThat(ask(ann("ann.crt", "ann.pk8"), "select current_user")).isEqualTo("ann");
        // PKCS#12, which has both and always a password
        openssl(
                "pkcs12",
                "-export",
                "-in",
                "ann.crt",
                "-inkey",
                "ann.key",
                "-name",
                "user",
                "-passout",
                "pass:key secret",
                "-out",
                "ann.p12");
        assertThat(ask(ann("ann.crt", "ann.p12") + " sslpassword='key secret'", "select current_user"))
                .isEqualTo("ann");
        assertThatThrownBy(() -> ask(ann("ann.crt", "ann.p12") + " sslpassword='wrong secret'", "select 1"))
                .message()
                .doesNotContain("secret");
        // PKCS#1 and SEC1, and encrypted PEM: the message's own command makes them fit
        openssl("ec", "-in", "ann.key", "-out", "ann.sec1.key");
        openssl("pkcs8", "-topk8", "-in", "ann.key", "-passout", "pass:key secret", "-out", "ann.enc.key");
        for (String name : List.of("rsa", "ann.sec1", "ann.enc")) {
            String certificate = name.equals("rsa") ? "rsa.crt" : "ann.crt";
            List<String> command = new ArrayList<>();
            String converted = keys.resolve("converted").toString();
            assertThatThrownBy(() -> ask(ann(certificate, name + ".key"), "select 1"))
                    .as(name)
                    .hasMessageContaining("the JDBC driver cannot read the key")
                    .satisfies(e -> {
                        Matcher said =
                                Pattern.compile("convert it: openssl (.*)$").matcher(e.getMessage());
                        assertThat(said.find()).isTrue();
                        command.addAll(Arrays.asList(said.group(1).split(" ")));
                    });
            Files.deleteIfExists(Path.of(converted));
            command.replaceAll(word -> word.startsWith("KEY.") ? converted : word);
            if (name.endsWith("enc")) {
                command.addAll(List.of("-passin", "pass:key secret", "-passout", "pass:key secret"));
            }
            openssl(command.toArray(String[]::new));
            assertThat(ask(ann(certificate, "converted") + " sslpassword='key secret'", "select current_user"))
                    .as(name)
                    .isEqualTo("ann");
        }
    }

    @Test
    void channel_binding_is_had_over_tls_and_missed_without_it() throws SQLException {
        String root = " sslmode=verify-full sslrootcert=" + keys.resolve("ca.crt");
        assertThat(pat("host=localhost channel_binding=require" + root, ENCRYPTED))
                .isEqualTo("true");
        assertThatThrownBy(() -> ask(
                        "host=127.0.0.1 user=postgres dbname=postgres sslmode=disable channel_binding=require password="
                                + cluster.password(),
                        "select 1"))
                .hasMessageContainingAll("hannel", "inding");
    }

    @Test
    void a_pool_s_connections_go_the_same_way() throws SQLException {
        String address = ann("ann.crt", "ann.key") + " port=" + cluster.port();
        try (BatchDataSource pool = Database.parse(address).pool("tls", 2);
                Connection connection = pool.getConnection();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(ENCRYPTED)) {
            row.next();
            assertThat(row.getString(1)).isEqualTo("true");
        }
    }

    /** With the password, to the one address there is. */
    private static String pat(String text, String query) throws SQLException {
        return ask(text + " user=pat password='pats secret' dbname=postgres", query);
    }

    private static String ann(String certificate, String key) {
        return "host=localhost user=ann dbname=postgres sslmode=verify-full sslrootcert=" + keys.resolve("ca.crt")
                + " sslcert=" + keys.resolve(certificate) + " sslkey=" + keys.resolve(key);
    }

    private static String ask(String text, String query) throws SQLException {
        return answer(Address.parse(text + " port=" + cluster.port(), environment(home)), query);
    }

    private static LibpqEnvironment environment(Path home) {
        return new LibpqEnvironment(Map.of(), "nobody", home, List.of(home), List.of(), warning -> {});
    }

    private static String answer(Address address, String query) throws SQLException {
        try (Connection connection = address.connect(new Properties());
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery(query)) {
            row.next();
            return row.getString(1);
        }
    }

    // ---- certificates

    private static void authority(String name) throws Exception {
        newKey(name);
        openssl(
                "req",
                "-x509",
                "-new",
                "-key",
                name + ".key",
                "-days",
                "2",
                "-subj",
                "/CN=" + name + " of the tests",
                "-out",
                name + ".crt");
    }

    private static void certificate(String name, String authority, String subject, String extension) throws Exception {
        newKey(name);
        sign(name, authority, subject, extension);
    }

    private static void newKey(String name) throws Exception {
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", name + ".key");
    }

    private static void sign(String name, String authority, String subject, String extension) throws Exception {
        Files.writeString(keys.resolve(name + ".ext"), extension + "\n");
        openssl("req", "-new", "-key", name + ".key", "-subj", "/CN=" + subject, "-out", name + ".csr");
        openssl(
                "x509",
                "-req",
                "-in",
                name + ".csr",
                "-CA",
                authority + ".crt",
                "-CAkey",
                authority + ".key",
                "-CAcreateserial",
                "-days",
                "2",
                "-extfile",
                name + ".ext",
                "-out",
                name + ".crt");
    }

    private static void openssl(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("openssl"));
        command.addAll(List.of(arguments));
        Path output = keys.resolve("openssl.log");
        Process process = new ProcessBuilder(command)
                .directory(keys.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        process.getOutputStream().close();
        assertThat(process.waitFor()).as(() -> command + ": " + output).isZero();
    }
}
