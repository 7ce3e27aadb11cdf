package io.pgcaravan.database;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands in for parameters that were not given, and what the driver gets of them all. */
class LibpqParametersTest {

    @TempDir
    private Path home;

    private final Map<String, String> variables = new HashMap<>();
    private final List<String> warnings = new ArrayList<>();

    @Test
    void nothing_given_means_the_local_socket_and_the_users_own_database() throws IOException {
        LibpqParameters parameters = parameters("port=5999");
        assertThat(parameters.get(Keyword.USER)).isEqualTo("ann");
        assertThat(parameters.get(Keyword.DBNAME)).isEqualTo("ann");
        Host host = parameters.hosts().get(0);
        Path first = home.resolve("run");
        Path second = home.resolve("tmp");
        assertThat(host.socket(List.of(first, second))).isEqualTo(first.resolve(".s.PGSQL.5999"));
        Files.createDirectories(second);
        Files.createFile(second.resolve(".s.PGSQL.5999"));
        assertThat(host.socket(List.of(first, second))).isEqualTo(second.resolve(".s.PGSQL.5999"));
    }

    @Test
    void the_database_is_named_as_the_user_given() {
        assertThat(parameters("user=bob").get(Keyword.DBNAME)).isEqualTo("bob");
        assertThat(parameters("user=bob dbname=").get(Keyword.DBNAME)).isEqualTo("bob");
    }

    @Test
    void given_counts_before_service_before_environment() throws IOException {
        service("[shop]", "host=from-service", "dbname=from-service", "user=from-service");
        variables.putAll(Map.of(
                "PGHOST", "from-environment",
                "PGDATABASE", "from-environment",
                "PGUSER", "from-environment",
                "PGPORT", "5433",
                "PGAPPNAME", "from-environment"));
        LibpqParameters parameters = parameters("service=shop user=given");
        assertThat(parameters.get(Keyword.USER)).isEqualTo("given");
        assertThat(parameters.get(Keyword.DBNAME)).isEqualTo("from-service");
        assertThat(parameters.hosts()).containsExactly(new Host("from-service", 5433));
        assertThat(parameters.get(Keyword.APPLICATION_NAME)).isEqualTo("from-environment");
    }

    @Test
    void an_empty_value_still_keeps_the_environment_out() {
        variables.put("PGHOST", "from-environment");
        assertThat(parameters("host=").hosts()).containsExactly(new Host(null, 5432));
    }

    @ParameterizedTest
    @CsvSource({
        "PGHOST, host",
        "PGPORT, port",
        "PGDATABASE, dbname",
        "PGUSER, user",
        "PGPASSWORD, password",
        "PGOPTIONS, options",
        "PGAPPNAME, application_name",
        "PGSSLMODE, sslmode",
        "PGSSLROOTCERT, sslrootcert",
        "PGSSLCERT, sslcert",
        "PGSSLKEY, sslkey",
        "PGCONNECT_TIMEOUT, connect_timeout",
        "PGTARGETSESSIONATTRS, target_session_attrs",
        "PGCHANNELBINDING, channel_binding",
        "PGREQUIREAUTH, require_auth",
        "PGGSSENCMODE, gssencmode",
        "PGKRBSRVNAME, krbsrvname",
        "PGLOADBALANCEHOSTS, load_balance_hosts"
    })
    void each_variable_stands_in_for_its_key(String variable, String key) {
        String value =
                switch (key) {
                    case "port", "connect_timeout" -> "7";
                    case "sslmode", "channel_binding", "gssencmode" -> "require";
                    case "target_session_attrs" -> "primary";
                    case "load_balance_hosts" -> "random";
                    default -> "anything";
                };
        variables.put(variable, value);
        assertThat(parameters("").get(Keyword.of(key))).isEqualTo(value);
    }

    @Test
    void a_service_is_found_by_variable_file_and_directory() throws IOException {
        Path other = Files.writeString(home.resolve("other.conf"), "[shop]\nhost=other\n");
        Path system = Files.createDirectory(home.resolve("etc"));
        Files.writeString(system.resolve("pg_service.conf"), "[rest]\nhost=system\n");
        variables.put("PGSERVICE", "shop");
        variables.put("PGSERVICEFILE", other.toString());
        variables.put("PGSYSCONFDIR", system.toString());
        assertThat(parameters("").hosts().get(0).name()).isEqualTo("other");
        assertThat(parameters("service=rest").hosts().get(0).name()).isEqualTo("system");
        assertThatThrownBy(() -> parameters("service=none"))
                .hasMessage(
                        "names the unknown service \"none\"; looked in " + other + ", " + system + "/pg_service.conf");
    }

    @Test
    void a_service_file_is_read_as_libpq_reads_it() throws IOException {
        service("# names", "[other]", "host=no", "", "  [shop]", " host=yes", "host=second", "[shop]", "port=1");
        LibpqParameters parameters = parameters("service=shop");
        assertThat(parameters.hosts()).containsExactly(new Host("yes", 5432));
        service("[shop]", "hots=db1");
        assertThatThrownBy(() -> parameters("service=shop"))
                .hasMessageContaining("line 2 has an unknown keyword \"hots\"")
                .hasMessageContaining("did you mean host?");
        service("[shop]", "service=other");
        assertThatThrownBy(() -> parameters("service=shop")).hasMessageContaining("names another service");
        service("[shop]", "nothing");
        assertThatThrownBy(() -> parameters("service=shop"))
                .hasMessageContaining("line 2 has an unknown keyword \"nothing\"");
    }

    @Test
    void hosts_and_ports_come_in_lists() {
        assertThat(parameters("host=a,/run,,b port=1,2,,4").hosts())
                .containsExactly(new Host("a", 1), new Host("/run", 2), new Host(null, 5432), new Host("b", 4));
        assertThat(parameters("host=a,b port=6000").hosts()).containsExactly(new Host("a", 6000), new Host("b", 6000));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    host=a,b port=1,2,3             | has 2 hosts and 3 ports
                    port=1,2                        | has 1 hosts and 2 ports
                    port=0                          | has an invalid port; expected 1 to 65535
                    port=65536                      | has an invalid port
                    host=@x                         | an abstract Unix socket, which is not supported
                    hostaddr=10.0.0.1               | has hostaddr, which is not supported: give the address as host
                    passfile=/a                     | has passfile, which is not supported: name the file in the environment
                    requirepeer=postgres            | has requirepeer, which is not supported
                    keepalives_idle=5               | has keepalives_idle, which is not supported
                    tcp_user_timeout=1000           | has tcp_user_timeout, which is not supported
                    sslcompression=1                | has sslcompression, which is not supported
                    sslmode=on                      | has an invalid sslmode "on"; expected one of disable, allow, prefer
                    target_session_attrs=master     | has an invalid target_session_attrs "master"; expected one of any, read-write
                    connect_timeout=soon            | has an invalid connect_timeout "soon"; expected seconds
                    sslcrl=/a                       | has sslcrl, which is not supported: the driver does not check
                    sslcertmode=require             | has sslcertmode, which is not supported except as allow
                    ssl_min_protocol_version=TLSv1.3 | has ssl_min_protocol_version, which is not supported
                    replication=database            | has replication, which is not supported
                    oauth_issuer=x                  | has oauth_issuer, which is not supported
                    sslkey=pkcs11:key               | has sslkey with a key in an OpenSSL engine
                    sslrootcert=system sslmode=require | has sslrootcert=system; expected sslmode=verify-full
                    sslrootcert=system sslcert=/a   | has sslrootcert=system; expected sslmode=verify-full and no sslcert
                    """)
    void what_is_not_supported_is_refused_by_name(String conninfo, String message) {
        assertThatThrownBy(() -> parameters(conninfo))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void all_that_is_wrong_is_named_at_once_without_passwords() {
        assertThatThrownBy(() -> Address.parse("postgresql://ann:secret/word@db1/shop", environment()))
                .message()
                .contains("invalid port")
                .doesNotContain("secret");
        assertThatThrownBy(() -> parameters("port=0 sslcrl=x password=secret"))
                .hasMessageContaining("invalid port")
                .hasMessageContaining("sslcrl")
                .message()
                .doesNotContain("secret");
    }

    @Test
    void another_client_encoding_is_warned_of() {
        parameters("client_encoding=LATIN1");
        assertThat(warnings).singleElement().asString().contains("client_encoding=LATIN1 is ignored");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "client_encoding=UTF8",
                "client_encoding=auto",
                "client_encoding=utf-8",
                "tcp_user_timeout=0",
                "sslcompression=0",
                "sslsni=1",
                "sslcertmode=allow",
                "ssl_min_protocol_version=TLSv1.2",
                "gssdelegation=0",
                "replication=false",
                "keepalives_idle=0",
                "max_protocol_version=latest"
            })
    void what_is_so_anyway_is_taken_in_silence(String conninfo) {
        parameters(conninfo);
        assertThat(warnings).isEmpty();
    }

    @Test
    void the_driver_gets_its_own_words() throws SQLException {
        assertThat(
                        properties(
                                "host=db1 application_name=me options='-c geqo=off' connect_timeout=7 channel_binding=require"
                                        + " require_auth=scram-sha-256 krbsrvname=pg gssencmode=disable sslmode=disable keepalives=0"))
                .containsAllEntriesOf(Map.of(
                        "ApplicationName", "me",
                        "options", "-c geqo=off",
                        "connectTimeout", "7",
                        "loginTimeout", "7",
                        "channelBinding", "require",
                        "requireAuth", "scram-sha-256",
                        "kerberosServerName", "pg",
                        "gssEncMode", "disable",
                        "sslmode", "disable",
                        "tcpKeepAlive", "false"));
    }

    @Test
    void a_timeout_is_two_seconds_at_least_or_none() throws SQLException {
        assertThat(properties("host=a connect_timeout=1")).containsEntry("connectTimeout", "2");
        assertThat(properties("host=a connect_timeout=0")).containsEntry("connectTimeout", "0");
        assertThat(properties("host=a connect_timeout=-3")).containsEntry("connectTimeout", "0");
    }

    @Test
    void a_socket_is_not_encrypted() throws SQLException {
        assertThat(properties("host=/run sslmode=verify-full sslnegotiation=direct gssencmode=require"))
                .containsEntry("sslmode", "disable")
                .containsEntry("sslNegotiation", "postgres")
                .containsEntry("gssEncMode", "disable")
                .containsEntry("socketFactoryArg", "/run/.s.PGSQL.5432");
    }

    @Test
    void who_has_a_root_certificate_wants_it_looked_at() throws Exception {
        assertThat(properties("host=a")).containsEntry("sslmode", "prefer");
        assertThat(properties("host=a sslmode=require")).containsEntry("sslmode", "require");
        Files.createDirectory(home.resolve(".postgresql"));
        Files.createFile(home.resolve(".postgresql/root.crt"));
        assertThat(properties("host=a sslmode=require"))
                .containsEntry("sslmode", "verify-ca")
                .containsEntry(
                        "sslrootcert", home.resolve(".postgresql/root.crt").toString());
        assertThat(properties("host=a sslrootcert=system"))
                .containsEntry("sslmode", "verify-full")
                .containsEntry("sslfactory", "org.postgresql.ssl.DefaultJavaSSLFactory");
    }

    @Test
    void a_key_that_the_driver_cannot_read_is_told_with_its_conversion() throws Exception {
        Path key = Files.writeString(home.resolve("old.key"), "-----BEGIN RSA PRIVATE KEY-----\nMII\n");
        assertThatThrownBy(() -> properties("host=a sslkey=" + key))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("RSA PRIVATE KEY")
                .hasMessageContaining("openssl pkcs8 -topk8 -in " + key + " -nocrypt");
        assertThatThrownBy(() -> properties("host=a sslkey=" + home.resolve("none")))
                .isInstanceOf(SQLException.class)
                .hasMessageContaining("cannot be read");
    }

    @Test
    void no_address_shows_a_password() {
        for (String text : List.of(
                "host=h dbname=d user=u password=secret sslpassword=secret",
                "postgresql://u:secret@h/d",
                "jdbc:postgresql://h/d?user=u&password=secret&sslpassword=secret")) {
            assertThat(Address.parse(text, environment()).toString())
                    .contains("h")
                    .contains("d")
                    .contains(" as u")
                    .doesNotContain("secret");
        }
    }

    @Test
    void a_jdbc_url_means_what_the_driver_says() {
        variables.put("PGHOST", "elsewhere");
        assertThat(Address.parse("jdbc:postgresql:shop?ApplicationName=x", environment()))
                .hasToString("jdbc:postgresql:shop?ApplicationName=x");
        assertThatThrownBy(() -> Address.parse("jdbc:postgresql://h:port/d?password=secret", environment()))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .doesNotContain("secret");
    }

    @Test
    void a_word_alone_is_no_database() {
        assertThatThrownBy(() -> Address.parse("shop", environment()))
                .hasMessageContaining("is not a database; expected a JDBC URL")
                .hasMessageContaining("conninfo string");
    }

    private LibpqParameters parameters(String conninfo) {
        return new LibpqParameters(ConnectionText.parse(conninfo), environment());
    }

    private Map<String, String> properties(String conninfo) throws SQLException {
        LibpqParameters parameters = parameters(conninfo);
        Properties properties = parameters.properties(parameters.hosts().get(0));
        Map<String, String> all = new HashMap<>();
        properties.stringPropertyNames().forEach(name -> all.put(name, properties.getProperty(name)));
        return all;
    }

    private void service(String... lines) throws IOException {
        Files.writeString(home.resolve(".pg_service.conf"), String.join("\n", lines));
    }

    private LibpqEnvironment environment() {
        return new LibpqEnvironment(
                variables, "ann", home, List.of(home.resolve("run")), List.of(home.resolve("etc")), warnings::add);
    }
}
