package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.ship.Shipping;
import io.pgcaravan.ship.exporter.Exporter;
import io.pgcaravan.sql.Query;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** push-sftp-pgp and decrypt-pgp in routes/examples as they are: signed and encrypted from host to host. */
class EncryptedExamplesTest {

    private static final Path PUSH = Path.of("routes/examples/push-sftp-pgp.camel.yaml");
    private static final Path DECRYPT = Path.of("routes/examples/decrypt-pgp.camel.yaml");

    private static final String TABLE = Shipping.ODD;
    private static final String BASE = "public.%4Fdd%2C%20%4Eame.000000000001";

    private static PgpKeys head;
    private static PgpKeys branch;
    private static PgpKeys stranger;

    @TempDir
    Path directory;

    private Shipping ship;
    private SftpServer server;
    private Path arrivals;
    private Path in;

    @BeforeAll
    static void makeKeys(@TempDir Path keys) throws Exception {
        head = PgpKeys.make("head", keys);
        branch = PgpKeys.make("branch", keys);
        stranger = PgpKeys.make("stranger", keys);
    }

    @BeforeEach
    void setUp() throws Exception {
        server = new SftpServer(directory.resolve("server"), directory.resolve("keys"));
        arrivals = Files.createDirectories(directory.resolve("server/arrivals"));
        in = Files.createDirectory(directory.resolve("in"));
        ship = Shipping.ofOddTable(directory.resolve("out"));
    }

    @AfterEach
    void tearDown() throws Exception {
        server.close();
        ship.close();
    }

    private Map<String, String> settings() {
        Map<String, String> settings = ShipRoutesTest.settings(ship, TABLE);
        settings.put("push-sftp-pgp.enabled", "true");
        settings.put("push-sftp-pgp.directory", ship.directory.toString());
        settings.put("push-sftp-pgp.server", server.address());
        settings.put("push-sftp-pgp.remoteDirectory", "arrivals");
        settings.put("push-sftp-pgp.privateKeyFile", server.privateKey().toString());
        settings.put("push-sftp-pgp.knownHostsFile", server.knownHosts().toString());
        settings.put("push-sftp-pgp.period", "200");
        settings.put("push-sftp-pgp.theirKey", branch.publicKey().toString());
        settings.put("push-sftp-pgp.theirName", branch.name());
        settings.put("push-sftp-pgp.ourKey", head.secretKey().toString());
        settings.put("push-sftp-pgp.ourName", head.name());
        settings.put("push-sftp-pgp.ourPassword", PgpKeys.PASSWORD);
        settings.put("decrypt-pgp.enabled", "true");
        settings.put("decrypt-pgp.from", arrivals.toString());
        settings.put("decrypt-pgp.directory", in.toString());
        settings.put("decrypt-pgp.period", "200");
        settings.put("decrypt-pgp.ourKey", branch.secretKey().toString());
        settings.put("decrypt-pgp.ourPassword", PgpKeys.PASSWORD);
        settings.put("decrypt-pgp.theirKey", head.publicKey().toString());
        settings.put("decrypt-pgp.theirName", head.name());
        settings.put("import.directory", in.toString());
        settings.put("camel.main.streamCachingSpoolEnabled", "true");
        return settings;
    }

    private Job job(Map<String, String> settings, Path... routes) throws Exception {
        return new Job(ship.sourceUrl, ship.targetUrl, settings, null, routes);
    }

    private void awaitEqual() {
        await().atMost(Duration.ofSeconds(60))
                .until(() -> SftpExamplesTest.digest(ship.target).equals(SftpExamplesTest.digest(ship.source)));
    }

    private void push(Map<String, String> settings) throws Exception {
        try (Job job = job(settings, PUSH)) {
            await().atMost(Duration.ofSeconds(30)).until(() -> ship.files("").isEmpty());
        }
    }

    /** Nothing of a set that is not to be trusted reaches the table, nor even shows in the drop directory. */
    private void mustStayOut(String because) throws Exception {
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(settings(), DECRYPT, ShipRoutesTest.IMPORT)) {
            log.await(because);
            assertThat(log.text()).contains(BASE + ": it cannot be ");
            assertThat(ShipRoutesTest.readiness(job)).isEqualTo(org.apache.camel.health.HealthCheck.State.DOWN);
            assertThat(in).isDirectoryNotContaining(file -> file.toString().endsWith(".done"));
            assertThat(Shipping.rows(ship.target, TABLE)).isEmpty();
            // the right one comes
            new Exporter(ship.sourceConnect()).again(ship.request(TABLE), 1);
            try (Job again = job(settings(), PUSH)) {
                awaitEqual();
            }
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> ShipRoutesTest.readiness(job) == org.apache.camel.health.HealthCheck.State.UP);
        }
    }

    @Test
    void sets_travel_encrypted() throws Exception {
        push(settings());
        for (String part : new String[] {"columns", "ids", "records", "done"}) {
            assertThat(Files.readString(
                            arrivals.resolve(BASE + "." + part + ".pgp"), java.nio.charset.StandardCharsets.ISO_8859_1))
                    .isNotEmpty()
                    .doesNotContain("Odd", "note");
        }
        try (Job job = job(settings(), PUSH, DECRYPT, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            Query.execute(ship.source, "update \"Odd, Name\" set note = 'x' where id < 10");
            ship.export(TABLE);
            awaitEqual();
            await().atMost(Duration.ofSeconds(30)).until(() -> {
                try (var files = Files.list(arrivals)) {
                    return files.findAny().isEmpty();
                }
            });
        }
    }

    @Test
    void an_altered_byte_stays_out() throws Exception {
        push(settings());
        Path records = arrivals.resolve(BASE + ".records.pgp");
        byte[] bytes = Files.readAllBytes(records);
        bytes[bytes.length / 2] ^= 1;
        Files.write(records, bytes);
        mustStayOut(BASE);
    }

    @Test
    void what_a_stranger_signed_stays_out() throws Exception {
        Map<String, String> settings = settings();
        settings.put("push-sftp-pgp.ourKey", stranger.secretKey().toString());
        settings.put("push-sftp-pgp.ourName", stranger.name());
        push(settings);
        mustStayOut("signature");
    }

    @Test
    void what_is_for_somebody_else_stays_out() throws Exception {
        Map<String, String> settings = settings();
        settings.put("push-sftp-pgp.theirKey", stranger.publicKey().toString());
        settings.put("push-sftp-pgp.theirName", stranger.name());
        push(settings);
        mustStayOut("key");
    }
}
