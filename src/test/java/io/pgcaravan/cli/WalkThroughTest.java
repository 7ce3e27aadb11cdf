package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.pgcaravan.app.RouteOptions;
import io.pgcaravan.server.Executables;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.file.virtualfs.VirtualFileSystemFactory;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.config.keys.AuthorizedKeysAuthenticator;
import org.apache.sshd.sftp.server.SftpSubsystemFactory;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the pages show is typed, and does what they say: each command of each page, in its order, by a shell on a
 * {@link ReadersMachine}. A command that is not is in {@link Page#isElsewhere}.
 */
class WalkThroughTest {

    private static final String ORDERS = "create table orders (id bigint primary key, customer text,"
            + " amount numeric(10,2), status text, created_at timestamp not null)";

    private static final String SOME =
            "insert into orders select i, 'c' || i, i, 'new', '2026-10-02 12:00'" + " from generate_series(1, 100) i";

    /** What a page types besides, and a machine may lack. */
    private static final Map<String, List<String>> PROGRAMS =
            Map.of("ship-encrypted.md", List.of("gpg"), "ship-over-sftp.md", List.of("ssh-keygen", "ssh-keyscan"));

    private static ReadersMachine machine;

    @BeforeAll
    static void start() throws Exception {
        machine = new ReadersMachine(Files.createTempDirectory("reader"));
    }

    @AfterAll
    static void end() throws Exception {
        machine.close();
    }

    @BeforeEach
    void fresh() throws Exception {
        machine.fresh();
    }

    /** Pages with something to type. */
    static Stream<Page> pages() throws Exception {
        return Page.all().stream()
                // one page: -Dpage=NAME
                .filter(page -> page.name().contains(System.getProperty("page", "")))
                .filter(page -> page.blocks().stream()
                        .anyMatch(block ->
                                block.isShell() || List.of("sql", "properties").contains(block.language())))
                .filter(page -> page.commands().isEmpty()
                        || page.commands().stream().anyMatch(shown -> !page.isElsewhere(shown)));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("pages")
    void the_page_does_what_it_says(Page page) throws Exception {
        assumeThat(PROGRAMS.getOrDefault(page.fileName(), List.of()))
                .allMatch(program -> Executables.onPath(program).isPresent());
        Walk walk = new Walk(page, machine);
        switch (page.fileName()) {
            case "README.md" -> readme(walk);
            case "change-set-format.md" -> changeSetFormat(walk);
            case "compare-and-repair.md" -> compareAndRepair(walk);
            case "dispatch-a-log-table.md" -> dispatchALogTable(walk);
            case "dispatch-options.md" -> dispatchOptions(walk);
            case "from-dml-tracking-util.md" -> fromDmlTrackingUtil(walk);
            case "from-skytools.md" -> fromSkytools(walk);
            case "monitoring.md" -> monitoring(walk);
            case "recover.md" -> recover(walk);
            case "security.md" -> security(walk);
            case "ship-encrypted.md" -> shipEncrypted();
            case "ship-over-sftp.md" -> shipOverSftp(walk);
            default -> {
                // its reader needs nothing more
            }
        }
        try (walk) {
            assertThat(walk.go()).isPositive();
        }
    }

    private void readme(Walk walk) throws Exception {
        machine.database("shop", ORDERS);
        machine.database("archive");
        machine.role("caravan");
        walk.says("/var/drop", drop());
        walk.after("./caravan run", () -> {
            machine.await("shop", "select count(*) = 1 from pgq.subscription");
            machine.sql(
                    "shop",
                    "delete from orders",
                    "insert into orders values (1, 'Ann', 9.5, 'new', '2026-10-02 12:00')");
            machine.sql("shop", "update orders set status = 'paid'");
            tick("shop", "orders");
            machine.await("archive", "select count(*) = 1 from orders_2026_10_02 where status = 'paid'");
        });
        walk.before("./caravan queue rewind", machine::stopRunning);
        walk.before("./caravan export --table", () -> {
            fresh();
            shipped();
            machine.sql("shop", "delete from orders where id = 1");
        });
        walk.before("mkdir " + drop(), () -> {
            fresh();
            machine.database("shop", ORDERS, SOME);
            machine.database("archive", ORDERS);
        });
        walk.after("./caravan import --db", () -> assertThat(machine.value("archive", "select count(*) from orders"))
                .isEqualTo("100"));
        walk.before("./caravan table-dispatcher config.ini -d", this::oldJob);
        walk.after("./caravan table-dispatcher config.ini -d", () -> {
            oldJobGoesOn();
            assertThat(machine.run("./caravan table-dispatcher config.ini -s").status())
                    .isZero();
        });
    }

    private String drop() {
        return machine.here.resolve("drop").toString();
    }

    private void tick(String database, String queue) throws Exception {
        machine.sql(database, "select pgq.force_tick('" + queue + "'), pgq.ticker('" + queue + "')");
    }

    /** Both databases with a table that is tracked and shipped, and equal. */
    private void shipped() throws Exception {
        shipped(ORDERS, SOME);
    }

    private void shipped(String table, String rows) throws Exception {
        Files.createDirectory(Path.of(drop()));
        machine.database("shop", table, rows);
        machine.database("archive", table);
        well("./caravan ddl exporter public orders --apply --db dbname=shop");
        well("./caravan ddl importer public orders --apply --db dbname=archive");
        ship();
    }

    private void ship() throws Exception {
        well("./caravan export --db dbname=shop --table public.orders --target far/archive --dir drop");
        well("./caravan import --db dbname=archive --dir drop");
    }

    private void well(String command) throws Exception {
        ReadersMachine.Ran ran = machine.run(command);
        assertThat(ran.status()).as(command + "\n" + ran.out() + ran.err()).isZero();
    }

    private void changeSetFormat(Walk walk) throws Exception {
        shipped(
                "create table orders (id bigint primary key, customer text, amount numeric(10,2))",
                "insert into orders select i, 'c' || i, i from generate_series(1, 100) i");
        machine.sql("shop", "delete from orders where id > 50", "update orders set amount = 7 where id < 10");
        well("./caravan export --db dbname=shop --table public.orders --target far/archive --dir .");
        walk.says("000000000042", "000000000002");
        walk.after("begin;", () -> assertThat(
                        machine.value("archive", "select count(*) || ' ' || sum(amount) from orders"))
                .isEqualTo(machine.value("shop", "select count(*) || ' ' || sum(amount) from orders")));
    }

    private void compareAndRepair(Walk walk) throws Exception {
        shipped();
        Walk.Act harm = () -> machine.sql(
                "archive",
                "delete from orders where id = 17",
                "insert into orders values (600, 'Eve', 1, 'new', now())",
                "update orders set amount = 0 where id = 20");
        harm.act();
        walk.ends("./caravan compare --source", 1);
        walk.after("./caravan repair --source", () -> {
            ship();
            well("./caravan compare --source dbname=shop --target dbname=archive --table public.orders");
            harm.act();
        });
        walk.ends("./caravan compare --db dbname=archive --digest", 1);
        walk.ends("./caravan compare --db dbname=shop --answer", 1);
        walk.after("./caravan repair --db", () -> {
            ship();
            well("./caravan compare --source dbname=shop --target dbname=archive --table public.orders");
        });
    }

    private void dispatchALogTable(Walk walk) throws Exception {
        machine.database(
                "shop",
                "create table web_log (at timestamptz not null, host inet, path text, status int, bytes bigint,"
                        + " agent text)");
        machine.database("archive");
        machine.role("caravan");
        walk.after("./caravan run", () -> {
            machine.await("shop", "select count(*) = 1 from pgq.subscription");
            machine.sql(
                    "shop",
                    "insert into web_log select now() - i * interval '1 hour', '10.0.0.1', '/', 200, 512, 'x'"
                            + " from generate_series(1, 100) i",
                    "insert into web_log values ('infinity')");
            machine.await("archive", "select count(*) = 100 from web_log");
            machine.await("archive", "select count(*) = 1 from caravan.dead_letter");
        });
        walk.ends("./caravan status", 1);
    }

    /** Both databases with a job of orders, which has not run yet. */
    private void job() throws Exception {
        machine.database(
                "shop",
                ORDERS,
                "create extension pgq",
                "select pgq.create_queue('orders')",
                "create trigger orders_queue after insert or update or delete on orders for each row execute function"
                        + " pgq.logutriga('orders', 'backup')");
        machine.database(
                "archive",
                "create table orders (id bigint, customer text, amount numeric(10,2), status text,"
                        + " created_at timestamp not null, primary key (id, created_at)) partition by range (created_at)");
        machine.configure(Map.of("database.sourceDb.url", "dbname=shop", "database.targetDb.url", "dbname=archive"));
    }

    private void dispatchOptions(Walk walk) throws Exception {
        job();
        machine.configure(Map.of("dispatch.queue", "orders"));
        Path route = machine.here.resolve("routes/dispatch.camel.yaml");
        String text = Files.readString(route);
        assertThat(text).contains("period:");
        Files.writeString(route, text.replaceFirst("(?m)^( *)(period:.*)$", "$1$2\n$1retentionPeriod: 30 days"));
        well("./caravan partitions create orders --period month --from 2025-10-01 --to 2025-12-31");
        walk.after("./caravan partitions drop --job", () -> assertThat(
                        machine.value("archive", "select to_regclass('orders_2025_10') is null"))
                .isEqualTo("t"));
    }

    private void fromDmlTrackingUtil(Walk walk) throws Exception {
        machine.database(
                "shop",
                ORDERS,
                SOME,
                "create table orders_dml (id bigserial primary key, source_id bigint)",
                "create function orders_dml_tracking() returns trigger language plpgsql as 'begin return new; end'",
                "create trigger orders_dml_trigger before insert or update on orders for each row execute function"
                        + " orders_dml_tracking()");
        machine.database("archive", ORDERS, "insert into orders values (1, 'Ann', 1, 'new', now())");
        Path drop = Files.createDirectory(Path.of(drop()));
        Instant time = Instant.now().minusSeconds(60);
        for (String[] file : new String[][] {
            {"dml.public.orders.tab", "4711\t1\n4712\t2\n"},
            {"public.orders.tab", "2\tBob\t2\tnew\t2026-10-02 12:00:00\n"},
            {"public.orders-columns.txt", "id,customer,amount,status,created_at\n"}
        }) {
            Files.writeString(drop.resolve(file[0]), file[1]);
            time = time.plusSeconds(1);
            Files.setLastModifiedTime(drop.resolve(file[0]), FileTime.from(time));
        }
        walk.says("/var/drop", drop());
        walk.after("./caravan import --db dbname=archive --dir " + drop() + " --dml", () -> assertThat(
                        machine.value("archive", "select string_agg(customer, ' ') from orders"))
                .isEqualTo("Bob"));
        walk.after("./caravan export", () -> {
            well("./caravan import --db dbname=archive --dir drop");
            assertThat(machine.value("archive", "select count(*) from orders")).isEqualTo("100");
        });
    }

    /** What somebody has who comes from Skytools: a queue, a table in the place of its partitions, an ini file. */
    private void oldJob() throws Exception {
        machine.database(
                "shop",
                ORDERS,
                "create extension pgq",
                "select pgq.create_queue('orders')",
                "create trigger orders_queue after insert on orders for each row execute function pgq.logutriga('orders')");
        machine.database("archive", ORDERS);
        Files.writeString(machine.here.resolve("config.ini"), """
                [table_dispatcher]
                job_name = orders_archive
                src_db = dbname=shop
                dst_db = dbname=archive
                pgq_queue_name = orders
                dest_table = orders
                part_field = created_at
                logfile = %(job_name)s.log
                pidfile = %(job_name)s.pid
                """);
    }

    private void oldJobGoesOn() throws Exception {
        machine.await("shop", "select count(*) = 1 from pgq.subscription");
        machine.sql("shop", SOME);
        tick("shop", "orders");
        machine.await("archive", "select count(*) = 100 from orders_2026_10_02");
    }

    private void fromSkytools(Walk walk) throws Exception {
        oldJob();
        walk.after("./caravan table-dispatcher config.ini -d", this::oldJobGoesOn);
        walk.after("./caravan table-dispatcher config.ini -s", () -> Awaitility.await()
                .atMost(Duration.ofSeconds(60))
                .until(() -> Files.notExists(machine.here.resolve("orders_archive.pid"))));
    }

    private void monitoring(Walk walk) throws Exception {
        job();
        walk.ends("caravan status --db", 0);
        walk.ends("caravan status", 1);
    }

    private void recover(Walk walk) throws Exception {
        shipped();
        machine.sql("shop", "delete from orders where id > 50");
        walk.says("/var/drop", drop());
        walk.says("--again 42", "--again 2");
        walk.before("./caravan export", () -> {
            well("./caravan export --db dbname=shop --table public.orders --target far/archive --dir drop");
            try (Stream<Path> lost = Files.list(Path.of(drop()))) {
                for (Path file : lost.filter(Files::isRegularFile).toList()) {
                    Files.delete(file);
                }
            }
        });
        walk.after("./caravan export", () -> {
            well("./caravan import --db dbname=archive --dir drop");
            assertThat(machine.value("archive", "select count(*) from orders")).isEqualTo("50");
        });
    }

    private void security(Walk walk) throws Exception {
        job();
        machine.role("caravan");
        machine.configure(Map.of(
                "database.sourceDb.url", "dbname=shop user=caravan",
                "database.targetDb.url", "dbname=archive user=caravan"));
    }

    private void shipEncrypted() throws Exception {
        // in the place of the window that asks for a passphrase
        machine.file(".gnupg/gpg.conf", "batch\npinentry-mode loopback\npassphrase of our own\n");
    }

    private void shipOverSftp(Walk walk) throws Exception {
        machine.database("shop", ORDERS, SOME);
        machine.database("archive", ORDERS);
        Path branch = machine.here.resolve("branch");
        SshServer server = SshServer.setUpDefaultServer();
        server.setHost("127.0.0.1");
        server.setPort(0);
        server.setKeyPairProvider(KeyPairProvider.wrap(KeyUtils.generateKeyPair(KeyPairProvider.SSH_RSA, 2048)));
        server.setPublickeyAuthenticator(
                new AuthorizedKeysAuthenticator(machine.here.resolve("config/ship_ed25519.pub")));
        server.setFileSystemFactory(new VirtualFileSystemFactory(
                Files.createDirectories(branch.resolve("incoming")).getParent()));
        server.setSubsystemFactories(List.of(new SftpSubsystemFactory()));
        server.start();
        walk.closes(server);
        walk.says("ssh-keyscan branch.example", "ssh-keyscan -p " + server.getPort() + " 127.0.0.1");
        walk.says("branch.example:22", "127.0.0.1:" + server.getPort());
        walk.says("/home/ship", branch.toString());
        walk.after("./caravan run", () -> {
            if (machine.value("archive", "select to_regclass('caravan.import_set')") != null) {
                machine.await("archive", "select count(*) = 100 from orders");
            }
        });
    }

    @Test
    void no_page_hides_a_command() throws Exception {
        assertThat(Page.all().stream().flatMap(page -> page.hidden().stream())).isEmpty();
    }

    @Test
    void a_page_that_is_wrong_is_found_out() {
        assertThat(Page.of("made up", "```text\n$ ./caravan status\n```\n").hidden())
                .hasSize(1);
        assertWrong("```console\n$ ./caravan frobnicate\n```", "frobnicate");
        assertWrong("```console\n$ ./caravan --version\nanother thing\n```", "another thing");
        assertWrong("```sql\n-- in postgres\nselekt 1;\n```", "selekt");
        assertWrong("```properties\ndispatch.quue = orders\n```", "dispatch.quue");
        List<String> printed = List.of("JOB   LAG", "a     4.2 s", "3 rows in t_2026_11_21");
        assertThat(Walk.differences(List.of("JOB  LAG", "a    17 s", "4,711 rows in t_2025_01_01"), printed))
                .isEmpty();
        assertThat(Walk.differences(List.of("JOB  LAG", "...", "b 4.2 s"), printed))
                .containsExactly("b 4.2 s");
    }

    private static void assertWrong(String text, String said) {
        assertThatThrownBy(() -> new Walk(Page.of("made up", text), machine).go())
                .hasMessageContaining(said);
    }

    @Test
    void each_route_that_a_page_shows_has_only_options_that_there_are() throws Exception {
        Properties keys = new Properties();
        try (Reader shipped = Files.newBufferedReader(Path.of("config/application.properties"))) {
            keys.load(shipped);
        }
        try (RouteOptions options = new RouteOptions(keys)) {
            for (Page page : Page.all()) {
                for (Page.Block block : page.blocks()) {
                    if (block.language().equals("yaml")) {
                        assertThat(options.problems(Path.of(page.name()), block.text()))
                                .isEmpty();
                    }
                }
            }
            assertThat(options.problems(Path.of("made up"), "- to: pgq-decode:logutriga?shrads=3"))
                    .hasSize(1);
        }
    }
}
