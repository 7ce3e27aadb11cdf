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
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What stands in for parameters that were not given, and what the driver gets of them all. */
class LibpqSettingsTest {

    @TempDir
    private Path home;

    private final Map<String, String> environment = new HashMap<>();
    private final List<String> warnings = new ArrayList<>();

    @BeforeEach
    void have_a_home() {
        environment.put("HOME", home.toString());
    }

    @Test
    void nothing_given_means_the_local_socket_and_the_users_own_database() throws IOException {
        LibpqSettings settings = settings("port=5999");
        assertThat(settings.user()).isEqualTo("ann");
        assertThat(settings.database()).isEqualTo("ann");
        Host host = settings.hosts().get(0);
        Path first = home.resolve("run");
        Path second = home.resolve("tmp");
        assertThat(host.socket(List.of(first, second))).isEqualTo(first + "/.s.PGSQL.5999");
        Files.createDirectories(second);
        Files.createFile(second.resolve(".s.PGSQL.5999"));
        assertThat(host.socket(List.of(first, second))).isEqualTo(second + "/.s.PGSQL.5999");
    }

    @Test
    void the_database_is_named_as_the_user_given() {
        assertThat(settings("user=bob").database()).isEqualTo("bob");
        assertThat(settings("user=bob dbname=").database()).isEqualTo("bob");
    }

    @Test
    void given_counts_before_service_before_environment() throws IOException {
        service("[shop]", "host=from-service", "dbname=from-service", "user=from-service");
        environment.putAll(Map.of(
                "PGHOST", "from-environment",
                "PGDATABASE", "from-environment",
                "PGUSER", "from-environment",
                "PGPORT", "5433",
                "PGAPPNAME", "from-environment"));
        LibpqSettings settings = settings("service=shop user=given");
        assertThat(settings.user()).isEqualTo("given");
        assertThat(settings.database()).isEqualTo("from-service");
        assertThat(settings.hosts()).containsExactly(new Host("from-service", null, 5433));
        assertThat(settings.get(Keyword.APPLICATION_NAME)).isEqualTo("from-environment");
    }

    @Test
    void an_empty_value_still_keeps_the_environment_out() {
        environment.put("PGHOST", "from-environment");
        assertThat(settings("host=").hosts()).containsExactly(new Host(null, null, 5432));
    }

    @ParameterizedTest
    @CsvSource({
        "PGHOST, host",
        "PGHOSTADDR, hostaddr",
        "PGPORT, port",
        "PGDATABASE, dbname",
        "PGUSER, user",
        "PGPASSWORD, password",
        "PGPASSFILE, passfile",
        "PGOPTIONS, options",
        "PGAPPNAME, application_name",
        "PGSSLMODE, sslmode",
        "PGSSLROOTCERT, sslrootcert",
        "PGSSLCERT, sslcert",
        "PGSSLKEY, sslkey",
        "PGCONNECT_TIMEOUT, connect_timeout",
        "PGTARGETSESSIONATTRS, target_session_attrs",
        "PGREQUIREPEER, requirepeer",
        "PGCHANNELBINDING, channel_binding",
        "PGREQUIREAUTH, require_auth",
        "PGGSSENCMODE, gssencmode",
        "PGKRBSRVNAME, krbsrvname",
        "PGLOADBALANCEHOSTS, load_balance_hosts"
    })
    void each_variable_stands_in_for_its_key(String variable, String key) {
        String value =
                switch (key) {
                    case "hostaddr" -> "10.0.0.1";
                    case "port", "connect_timeout" -> "7";
                    case "sslmode", "channel_binding", "gssencmode" -> "require";
                    case "target_session_attrs" -> "primary";
                    case "load_balance_hosts" -> "random";
                    default -> "anything";
                };
        environment.put(variable, value);
        assertThat(settings("").get(Keyword.of(key))).isEqualTo(value);
    }

    @Test
    void a_service_is_found_by_variable_file_and_directory() throws IOException {
        Path other = Files.writeString(home.resolve("other.conf"), "[shop]\nhost=other\n");
        Path system = Files.createDirectory(home.resolve("etc"));
        Files.writeString(system.resolve("pg_service.conf"), "[rest]\nhost=system\n");
        environment.put("PGSERVICE", "shop");
        environment.put("PGSERVICEFILE", other.toString());
        environment.put("PGSYSCONFDIR", system.toString());
        assertThat(settings("").hosts().get(0).name()).isEqualTo("other");
        assertThat(settings("service=rest").hosts().get(0).name()).isEqualTo("system");
        assertThatThrownBy(() -> settings("service=none"))
                .hasMessage("names the service \"none\", which is in none of " + other + ", " + system
                        + "/pg_service.conf");
    }

    @Test
    void a_service_file_is_read_as_libpq_reads_it() throws IOException {
        service("# names", "[other]", "host=no", "", "  [shop]", " host=yes", "host=second", "[shop]", "port=1");
        LibpqSettings settings = settings("service=shop");
        assertThat(settings.hosts()).containsExactly(new Host("yes", null, 5432));
        service("[shop]", "hots=db1");
        assertThatThrownBy(() -> settings("service=shop"))
                .hasMessageContaining("line 2 has a key \"hots\"")
                .hasMessageContaining("did you mean host?");
        service("[shop]", "service=other");
        assertThatThrownBy(() -> settings("service=shop")).hasMessageContaining("names another one");
        service("[shop]", "nothing");
        assertThatThrownBy(() -> settings("service=shop")).hasMessageContaining("line 2 has no =");
    }

    @Test
    void hosts_addresses_and_ports_come_in_lists() {
        assertThat(settings("host=a,/run,@x,b port=1,2,,4").hosts())
                .containsExactly(
                        new Host("a", null, 1),
                        new Host("/run", null, 2),
                        new Host("@x", null, 5432),
                        new Host("b", null, 4));
        assertThat(settings("host=a,b hostaddr=10.0.0.1,::1 port=6000").hosts())
                .containsExactly(new Host("a", "10.0.0.1", 6000), new Host("b", "::1", 6000));
        assertThat(settings("hostaddr=10.0.0.1").hosts().get(0).isSocket()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    host=a,b hostaddr=10.0.0.1      | names 2 hosts and 1 addresses
                    host=a,b port=1,2,3             | names 2 hosts and 3 ports
                    port=1,2                        | names 1 host and 2 ports
                    port=0                          | has port=0, which is no port
                    port=65536                      | has port=65536, which is no port
                    hostaddr=db1                    | has hostaddr=db1, which is no IP address
                    sslmode=on                      | has sslmode=on; allowed are allow, disable, prefer, require
                    target_session_attrs=master     | has target_session_attrs=master; allowed are any, read-write
                    connect_timeout=soon            | has connect_timeout=soon, which is no whole number
                    sslcrl=/a                       | has sslcrl, which cannot be honoured: the driver does not look
                    sslcertmode=require             | has sslcertmode, which cannot be honoured
                    ssl_min_protocol_version=TLSv1.3 | has ssl_min_protocol_version, which cannot be honoured
                    replication=database            | has replication, which cannot be honoured
                    oauth_issuer=x                  | has oauth_issuer, which cannot be honoured
                    sslkey=pkcs11:key               | has an sslkey in an OpenSSL engine
                    sslrootcert=system sslmode=require | libpq wants verify-full there
                    """)
    void what_cannot_be_honoured_is_refused(String conninfo, String message) {
        assertThatThrownBy(() -> settings(conninfo))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(message);
    }

    @Test
    void all_that_is_wrong_is_said_at_once() {
        assertThatThrownBy(() -> settings("port=0 sslcrl=x password=secret"))
                .hasMessageContaining("port=0")
                .hasMessageContaining("sslcrl")
                .message()
                .doesNotContain("secret");
    }

    @Test
    void what_makes_no_difference_is_warned_of() {
        settings("client_encoding=LATIN1 tcp_user_timeout=1000 sslcompression=1");
        assertThat(warnings)
                .hasSize(3)
                .anyMatch(warning -> warning.contains("client_encoding=LATIN1 makes no difference"))
                .anyMatch(warning -> warning.contains("tcp_user_timeout is ignored"));
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
                "authtype=x",
                "tty=x",
                "max_protocol_version=latest"
            })
    void what_is_so_anyway_is_taken_in_silence(String conninfo) {
        settings(conninfo);
        assertThat(warnings).isEmpty();
    }

    @Test
    void the_driver_gets_its_own_words() throws SQLException {
        assertThat(
                        properties(
                                "host=db1 application_name=me options='-c geqo=off' connect_timeout=7 channel_binding=require"
                                        + " require_auth=scram-sha-256 krbsrvname=pg gssencmode=disable sslmode=disable keepalives=0"))
                .containsExactlyInAnyOrderEntriesOf(Map.of(
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
    void keepalives_and_an_address_beside_a_name_take_sockets_of_our_own() throws SQLException {
        assertThat(properties("host=a")).containsEntry("tcpKeepAlive", "true").doesNotContainKey("socketFactory");
        assertThat(properties("host=a hostaddr=10.0.0.1 keepalives_idle=5 keepalives_count=3"))
                .containsEntry("socketFactory", TcpSockets.class.getName())
                .containsEntry("socketFactoryArg", "10.0.0.1,5,,3");
    }

    @Test
    void a_socket_is_not_encrypted() throws SQLException {
        assertThat(properties("host=/run sslmode=verify-full requirepeer=postgres"))
                .containsEntry("sslmode", "disable")
                .containsEntry("gssEncMode", "disable")
                .containsEntry("socketFactory", UnixSockets.class.getName())
                .containsEntry("socketFactoryArg", "/run/.s.PGSQL.5432\npostgres");
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
                .hasMessageContaining("-----BEGIN RSA PRIVATE KEY-----")
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
            assertThat(Address.parse(text, surroundings()).toString())
                    .contains("h")
                    .contains("d")
                    .contains(" as u")
                    .doesNotContain("secret");
        }
    }

    @Test
    void a_jdbc_url_means_what_the_driver_says() {
        environment.put("PGHOST", "elsewhere");
        assertThat(Address.parse("jdbc:postgresql:shop?ApplicationName=x", surroundings()))
                .hasToString("jdbc:postgresql:shop?ApplicationName=x");
        assertThatThrownBy(() -> Address.parse("jdbc:postgresql://h:port/d?password=secret", surroundings()))
                .isInstanceOf(IllegalArgumentException.class)
                .message()
                .doesNotContain("secret");
    }

    @Test
    void a_word_alone_is_no_database() {
        assertThatThrownBy(() -> Address.parse("shop", surroundings()))
                .hasMessageContaining("give a JDBC URL")
                .hasMessageContaining("conninfo string");
    }

    private LibpqSettings settings(String conninfo) {
        return LibpqSettings.of(ConnectionText.parse(conninfo), surroundings());
    }

    private Map<String, String> properties(String conninfo) throws SQLException {
        LibpqSettings settings = settings(conninfo);
        Properties properties = settings.properties(settings.hosts().get(0), surroundings());
        Map<String, String> all = new HashMap<>();
        properties.stringPropertyNames().forEach(name -> all.put(name, properties.getProperty(name)));
        return all;
    }

    private void service(String... lines) throws IOException {
        Files.writeString(home.resolve(".pg_service.conf"), String.join("\n", lines));
    }

    private Surroundings surroundings() {
        return new Surroundings(
                environment, "ann", List.of(home.resolve("run")), List.of(home.resolve("etc")), warnings::add);
    }
}
