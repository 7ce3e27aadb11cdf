package io.pgcaravan.cli;

import static io.pgcaravan.PgServer.value;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.pgcaravan.skytools.PidFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan table-dispatcher}, started and stopped as the classic tool was. */
class TableDispatcherTest {

    private static final String DAILY = "part_field = created_at\n" + IniJob.TEMPLATE;

    @TempDir
    Path directory;

    private IniJob job;

    @BeforeEach
    void databases() throws Exception {
        job = new IniJob(directory);
    }

    @AfterEach
    void disconnect() throws Exception {
        job.close();
    }

    @Test
    void an_ini_file_is_enough_to_dispatch_a_queue() throws Exception {
        job.register("archive");
        job.insert(1, 3);
        job.start(job.ini("archive", DAILY));
        job.awaitTarget("select count(*) from orders_2026_10_03", "1");
        assertThat(job.content())
                .containsExactly(
                        "orders: null",
                        "orders_2026_10_01: (1,\"order 1\",\"2026-10-01 12:00:00\")",
                        "orders_2026_10_02: (2,\"order 2\",\"2026-10-02 12:00:00\")",
                        "orders_2026_10_03: (3,\"order 3\",\"2026-10-03 12:00:00\")");
    }

    @Test
    void in_the_background_it_is_reloaded_and_stopped_through_its_pid_file() throws Exception {
        String process = "pidfile = %(config_dir)s/%(job_name)s.pid\nlogfile = %(config_dir)s/%(job_name)s.log\n";
        Path ini = job.ini("archive", process + DAILY);
        Path pidFile = directory.resolve("archive.pid");
        job.register("archive");
        job.insert(1, 1);

        assertThat(job.ended(job.start(ini, "-d"))).as(job.output()).isZero();
        job.awaitTarget("select count(*) from orders_2026_10_01", "1");
        long pid = Long.parseLong(Files.readString(pidFile).strip());
        ProcessHandle running = ProcessHandle.of(pid).orElseThrow();
        try {
            assertThat(job.ended(job.start(ini, "-d"))).isEqualTo(1);
            assertThat(job.output()).contains("process " + pid + " runs job archive already");

            job.ini("archive", process + "part_method = monthly\n" + DAILY);
            assertThat(job.ended(job.start(ini, "-r"))).isZero();
            job.awaitLog("read again");
            job.insert(2, 2);
            job.awaitTarget("select count(*) from orders_2026_10", "1");

            job.ini("archive", process + "row_mode = sometimes\n" + DAILY);
            assertThat(job.ended(job.start(ini, "-r", "--set", "row_mode=append")))
                    .isZero();
            job.awaitLog("the job continues unchanged", "row_mode = sometimes: must be one of");
            job.insert(3, 3);
            job.awaitTarget("select count(*) from orders_2026_10", "2");

            job.ini("archive", process + DAILY);
            assertThat(job.ended(job.start(ini, "-s"))).isZero();
            // where the first process of a container reaps nothing it stays as a zombie
            await().atMost(Duration.ofSeconds(120)).until(() -> !Files.exists(pidFile));
        } finally {
            running.destroyForcibly();
        }
        assertThat(pidFile).doesNotExist();
        assertThat(Files.readAllLines(directory.resolve("archive.log")))
                .allSatisfy(line -> assertThat(line)
                        .matches("\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d,\\d{3} " + pid
                                + " (INFO|WARNING|ERROR) \\[archive] .*"))
                .anySatisfy(line -> assertThat(line).matches(".*\\{count: 1, duration: \\d+\\.\\d{4}}"));
        assertThat(job.ended(job.start(ini, "-s"))).isZero();
        assertThat(job.output()).contains("no process runs");
    }

    @Test
    void int_finishes_the_batch_and_term_leaves_it_to_the_next_start() throws Exception {
        Path ini = job.ini("archive", "pidfile = %(config_dir)s/archive.pid\n" + DAILY);
        job.register("archive");
        try (Connection blocker = DriverManager.getConnection(job.targetUrl)) {
            blocker.setAutoCommit(false);
            execute(blocker, "lock table orders in access exclusive mode");
            job.insert(1, 2);
            Process process = job.start(ini);
            awaitBlocked();
            process.destroy();
            assertThat(job.ended(process)).isZero();
            assertThat(directory.resolve("archive.pid")).doesNotExist();
            // a server that waits for a lock does not see that its client is gone
            execute(
                    job.target,
                    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                            + " and wait_event_type = 'Lock'");
            await().atMost(Duration.ofSeconds(120)).until(() -> waiting().equals("0"));

            process = job.start(ini);
            awaitBlocked();
            job.ended(new ProcessBuilder("sh", "-c", "kill -s INT " + process.pid()).start());
            job.awaitOutput("stopping after the batch");
            assertThat(process.isAlive()).isTrue();
            blocker.rollback();
            assertThat(job.ended(process)).isZero();
        }
        assertThat(value(job.target, "select count(*) from orders_2026_10_01, orders_2026_10_02"))
                .isEqualTo("1");
        assertThat(value(
                        job.source,
                        "select count(*) from pgq.get_consumer_info('orders', 'archive') where pending_events = 0"
                                + " and current_batch is null"))
                .isEqualTo("1");
    }

    private void awaitBlocked() {
        await().atMost(Duration.ofSeconds(120)).until(() -> waiting().equals("1"));
    }

    private String waiting() throws Exception {
        return value(job.target, "select count(*) from pg_locks where not granted and locktype = 'relation'");
    }

    @Test
    void a_process_that_has_ended_and_was_not_reaped_does_not_hold_its_pid_file() throws Exception {
        Path pidFile = directory.resolve("zombie.pid");
        // a shell that becomes a program without children: its child stays a zombie
        Process parent =
                new ProcessBuilder("sh", "-c", "sleep 1 & echo $! > \"$0\"; exec sleep 60", pidFile.toString()).start();
        try {
            await().until(() -> Files.exists(pidFile) && Files.size(pidFile) > 0);
            PidFile file = new PidFile(pidFile);
            assertThat(file.running()).isPresent();
            ProcessHandle child = file.running().orElseThrow();
            await().atMost(Duration.ofSeconds(30)).until(() -> file.running().isEmpty());
            assertThat(child.isAlive()).as("the zombie is still there").isTrue();
        } finally {
            parent.destroyForcibly();
        }
    }

    @Test
    void a_pid_file_is_stale_where_its_process_is_gone_or_began_later() throws Exception {
        Path ini = job.ini("archive", "pidfile = %(config_dir)s/archive.pid\n" + DAILY);
        Path pidFile = directory.resolve("archive.pid");
        Files.writeString(pidFile, Long.toString(ProcessHandle.current().pid()));
        assertThat(job.ended(job.start(ini))).isEqualTo(1);
        assertThat(job.output()).contains("runs job archive already");

        Files.setLastModifiedTime(pidFile, FileTime.from(Instant.now().minus(Duration.ofDays(30))));
        assertThat(job.ended(job.start(ini, "-s"))).isZero();
        assertThat(job.output()).contains("archive.pid is stale");
        job.register("archive");
        job.insert(1, 1);
        Process process = job.start(ini);
        job.awaitTarget("select count(*) from orders_2026_10_01", "1");
        assertThat(Files.readString(pidFile).strip()).isEqualTo(Long.toString(process.pid()));
        assertThat(job.output()).contains("ignoring " + pidFile);
    }

    @Test
    void a_pid_file_that_cannot_be_written_is_named_with_the_reason() throws Exception {
        Path ini = job.ini("archive", "pidfile = %(config_dir)s/nowhere/archive.pid\n" + DAILY);
        assertThat(job.ended(job.start(ini, "-d"))).isEqualTo(1);
        assertThat(job.output())
                .contains("cannot write its pidfile", "there is no directory " + directory.resolve("nowhere"));
    }

    @Test
    void a_start_that_cannot_be_says_all_that_is_wrong_and_ends_with_2() throws Exception {
        Path ini = job.ini("archive", DAILY);
        assertThat(job.ended(job.start(ini, "-d"))).isEqualTo(2);
        assertThat(job.output()).contains("has no pidfile, and without one -d is refused");

        Path broken = job.ini("broken", """
                pidfile = %(config_dir)s/broken.pid
                row_mode = sometimes
                log_size = big
                period = fortnight
                logfile = %(nowhere)s/x.log
                part_feild = created_at""");
        assertThat(job.ended(job.start(broken, "-d"))).isEqualTo(2);
        assertThat(job.output())
                .contains(
                        "broken.ini line 9: row_mode = sometimes: must be one of append, keep_all, keep_latest, plain",
                        "broken.ini line 10: log_size = big: must be a whole number >= 1",
                        "broken.ini line 11: period = fortnight: must be one of",
                        "broken.ini line 12: logfile refers to %(nowhere)s, but there is no such key");

        // found only when the route is made, in the background
        Path late = job.ini("late", "pidfile = %(config_dir)s/late.pid\ntime_zone = Mars/North\n" + DAILY);
        assertThat(job.ended(job.start(late, "-d"))).isEqualTo(2);
        assertThat(job.output()).contains("timeZone = Mars/North");
        assertThat(directory.resolve("late.pid")).doesNotExist();
    }

    @Test
    void an_update_that_breaks_a_key_says_which_row_mode_to_choose() throws Exception {
        Path ini = job.ini("archive", DAILY);
        job.register("archive");
        job.insert(1, 1);
        execute(job.source, "update orders set note = 'changed'");
        job.tick();
        job.start(ini);
        job.awaitOutput("[archive]", "rowMode=keep_latest", "row_mode");
    }

    @Test
    void the_consumer_is_moved_by_switches() throws Exception {
        Path ini = job.ini("archive", DAILY);
        assertThat(run("--register", ini)).contains("registered at");
        job.insert(1, 1);
        Process process = job.start(ini);
        job.awaitTarget("select count(*) from orders_2026_10_01", "1");
        process.destroy();
        job.ended(process);
        assertThat(run("--unregister", ini)).contains("unregistered");
        assertThat(run("--rewind", ini)).contains("registered at the target's tick");
        assertThat(run("--reset", ini)).contains("has forgotten");
    }

    private static String run(Object... arguments) {
        String[] words = new String[arguments.length + 1];
        words[0] = "table-dispatcher";
        for (int i = 0; i < arguments.length; i++) {
            words[i + 1] = arguments[i].toString();
        }
        CommandRun run = CommandRun.of(words);
        assertThat(run.status()).as(run.err()).isZero();
        return run.out();
    }

    @Test
    void the_printed_ini_is_the_shipped_one_and_takes_what_set_says() throws Exception {
        assertThat(run("--ini")).isEqualTo(Files.readString(Path.of("config/table_dispatcher.ini")));
        assertThat(run("--ini", "--set", "loop_delay=5", "--set", "dest_table=x"))
                .contains("\nloop_delay = 5\n", "\ndest_table = x\n")
                .doesNotContain("# loop_delay");
    }
}
