package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.ship.Shipping;
import io.pgcaravan.sql.Query;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The S3 routes in routes/examples as they are, with the AWS client against a bucket on loopback. */
class S3ExamplesTest {

    private static final Path PUSH = example("push-s3");
    private static final Path PULL = example("pull-s3");
    private static final Path PUSH_ACKS = example("push-acks-s3");
    private static final Path PULL_ACKS = example("pull-acks-s3");

    /** Needs percent signs in keys. */
    private static final String TABLE = Shipping.ODD;

    private static final String BASE = "branch/public.%4Fdd%2C%20%4Eame.00000000000";

    @TempDir
    Path directory;

    private Shipping ship;
    private Path in;
    private S3Server server;

    private static Path example(String name) {
        return Path.of("routes/examples", name + ".camel.yaml");
    }

    @BeforeEach
    void setUp() throws Exception {
        server = new S3Server();
        in = Files.createDirectory(directory.resolve("in"));
        ship = Shipping.ofOddTable(directory.resolve("out"));
    }

    @AfterEach
    void tearDown() throws Exception {
        server.close();
        ship.close();
    }

    private Job job(Path... routes) throws Exception {
        Map<String, String> settings = ShipRoutesTest.settings(ship, TABLE);
        for (String job : List.of("push-s3", "pull-s3")) {
            settings.put(job + ".enabled", "true");
            settings.put(job + ".directory", (job.startsWith("push") ? ship.directory : in).toString());
            settings.put(job + ".bucket", "shop-sets");
            settings.put(job + ".prefix", "branch/");
            settings.put(job + ".period", "200");
        }
        settings.put("push-s3.partSize", "1000000");
        settings.put("push-acks-s3.enabled", "true");
        settings.put("pull-acks-s3.enabled", "true");
        settings.put("import.directory", in.toString());
        settings.put("camel.component.aws2-s3.region", "eu-central-1");
        settings.put("camel.component.aws2-s3.accessKey", "key");
        settings.put("camel.component.aws2-s3.secretKey", "secret");
        settings.put("camel.component.aws2-s3.overrideEndpoint", "true");
        settings.put("camel.component.aws2-s3.uriEndpointOverride", server.address());
        settings.put("camel.component.aws2-s3.forcePathStyle", "true");
        return new Job(ship.sourceUrl, ship.targetUrl, settings, null, routes);
    }

    private void awaitEqual() {
        await().atMost(Duration.ofSeconds(60))
                .until(() -> SftpExamplesTest.digest(ship.target).equals(SftpExamplesTest.digest(ship.source)));
    }

    @Test
    void sets_go_through_a_bucket_and_their_answers_come_back() throws Exception {
        try (Job job = job(PUSH, PULL, PUSH_ACKS, PULL_ACKS, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            Query.execute(
                    ship.source,
                    "update \"Odd, Name\" set note = 'x' where id < 10",
                    "delete from \"Odd, Name\" where id > 4900");
            ship.export(TABLE);
            awaitEqual();
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> ship.files("").contains("public.%4Fdd%2C%20%4Eame.000000000002.ack"));
            await().atMost(Duration.ofSeconds(30)).until(() -> server.keys().isEmpty());
            assertThat(server.stored.subList(0, 4))
                    .containsExactly(BASE + "1.columns", BASE + "1.ids", BASE + "1.records", BASE + "1.done");
        }
        ship.export(TABLE);
        assertThat(Shipping.query(
                        ship.source,
                        "select set_number from caravan.export_set where acknowledged_at is not null order by 1"))
                .containsExactly("1", "2");
        assertThat(ship.files("")).isEmpty();
    }

    @Test
    void transfers_that_are_cut_are_done_again_and_nothing_half_is_seen() throws Exception {
        server.cutIn(".records");
        try (Job job = job(PUSH)) {
            await().atMost(Duration.ofSeconds(30)).until(() -> server.keys().contains(BASE + "1.done"));
            assertThat(server.wasCut()).isTrue();
        }
        server.cutIn(".records");
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(PULL, ShipRoutesTest.IMPORT)) {
            awaitEqual();
            assertThat(server.wasCut()).isTrue();
            assertThat(log.text()).contains("cannot be fetched").doesNotContain("it waits for");
        }
    }

    @Test
    void a_marker_that_is_there_before_its_data_waits() throws Exception {
        try (Job job = job(PUSH)) {
            await().atMost(Duration.ofSeconds(30)).until(() -> server.keys().contains(BASE + "1.done"));
        }
        byte[] records = server.take(BASE + "1.records");
        try (LogLines log = LogLines.of(ChangesetProducer.class);
                Job job = job(PULL, ShipRoutesTest.IMPORT)) {
            log.await("The specified key does not exist");
            assertThat(in).isDirectoryNotContaining(file -> file.toString().endsWith(".done"));
            server.put(BASE + "1.records", records);
            awaitEqual();
        }
    }
}
