package io.pgcaravan.cli;

import static io.pgcaravan.PgServer.value;
import static io.pgcaravan.sql.Query.execute;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log of a table_dispatcher's job goes where its ini file and a skylog.ini say. */
class JobLogTest {

    @TempDir
    Path directory;

    @Test
    void the_log_file_is_rotated_by_size_and_so_many_are_kept() throws Exception {
        try (IniJob job = new IniJob(directory)) {
            Path ini = job.ini(
                    "archive",
                    "logfile = %(config_dir)s/archive.log\nlog_size = 300\nlog_count = 2\npart_field = created_at\n"
                            + IniJob.TEMPLATE);
            job.register("archive");
            job.start(ini);
            for (int day = 1; day <= 12; day++) {
                job.insert(day, day);
                job.awaitTarget("select count(*) from orders_2026_10_" + (day < 10 ? "0" : "") + day, "1");
            }
            await().atMost(Duration.ofSeconds(60)).until(() -> Files.exists(directory.resolve("archive.log.2")));
            assertThat(directory.resolve("archive.log.3")).doesNotExist();
            assertThat(Files.readString(directory.resolve("archive.log.1"))).contains(" INFO [archive] {count: 1, ");
        }
    }

    @Test
    void handlers_of_skylog_ini_are_used_and_unknown_ones_named() throws Exception {
        try (IniJob job = new IniJob(directory);
                DatagramSocket syslog = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            execute(
                    job.target,
                    "create schema log",
                    "create table log.line (level text, job text, message text)",
                    "create function log.add(text, text, text) returns void language sql as"
                            + " 'insert into log.line values ($1, $2, $3)'");
            Files.writeString(directory.resolve("skylog.ini"), """
                    [loggers]
                    keys=root
                    [handlers]
                    keys=logdb,logfile,fluent,away,syslog,devlog
                    [formatters]
                    keys=long,none,named
                    [logger_root]
                    level=DEBUG
                    handlers=logdb,logfile,fluent,away,syslog,devlog
                    [formatter_long]
                    format=%%(asctime)s %%(levelname)s %%(message)s
                    datefmt=%%H:%%M
                    [formatter_none]
                    format=%%(message)s
                    [formatter_named]
                    format=%%(job_name)s: %%(message)s
                    [handler_syslog]
                    class=handlers.SysLogHandler
                    args=(('127.0.0.1', %d), handlers.SysLogHandler.LOG_LOCAL0)
                    formatter=named
                    [handler_devlog]
                    class=handlers.SysLogHandler
                    args=('/dev/log', handlers.SysLogHandler.LOG_LOCAL0)
                    [handler_logdb]
                    class=skylog.LogDBHandler
                    args=("%s",)
                    formatter=none
                    level=INFO
                    [handler_away]
                    class=skylog.LogDBHandler
                    args=("host=127.0.0.1 port=1 dbname=x user=x",)
                    formatter=none
                    [handler_logfile]
                    class=skylog.EasyRotatingFileHandler
                    args=('%s/%%(job_name)s.log', 100*1024*1024, 3)
                    formatter=long
                    [handler_fluent]
                    class=acme.FluentHandler
                    args=()
                    """.formatted(
                            syslog.getLocalPort(), IniJob.conninfo(job.targetUrl), directory));
            Path ini = job.ini("archive", "use_skylog = 2\npart_field = created_at\n" + IniJob.TEMPLATE);
            job.register("archive");
            job.insert(1, 1);
            Process process = job.start(ini);
            job.awaitTarget("select count(*) from orders_2026_10_01", "1");
            job.awaitTarget(
                    "select count(*) from log.line where job = 'archive' and message like 'job archive runs%'", "1");
            // the sums of batches go as one line, once a minute and at the end
            new ProcessBuilder("kill", "-INT", Long.toString(process.pid()))
                    .start()
                    .waitFor();
            assertThat(job.ended(process)).isZero();
            assertThat(value(job.target, "select count(*) from log.line where message = 'stopped'"))
                    .isEqualTo("1");
            assertThat(value(
                            job.target,
                            "select count(*) > 0 from log.line where level = 'INFO' and message like"
                                    + " '{count: %, duration: %}'"))
                    .isEqualTo("t");
            assertThat(value(
                            job.target,
                            "select message from log.line where level = 'WARNING' and message like '%fluent%'"))
                    .contains("unknown class acme.FluentHandler");
            assertThat(value(
                            job.target,
                            "select message from log.line where level = 'WARNING' and message like '%devlog%'"))
                    .contains("Unix socket /dev/log is not supported");
            assertThat(job.output()).as("of the handler away").contains("cannot write to the log database");
            assertThat(received(syslog))
                    .anySatisfy(line -> assertThat(line).startsWith("<134>archive: job archive runs"))
                    .anySatisfy(line ->
                            assertThat(line).startsWith("<132>archive: ").contains("devlog"));
            assertThat(Files.readAllLines(directory.resolve("archive.log")))
                    .anySatisfy(line -> assertThat(line).matches("\\d\\d:\\d\\d INFO job archive runs.*"));
        }
    }

    /** The datagrams that have arrived, in order. */
    private static List<String> received(DatagramSocket socket) throws IOException {
        List<String> lines = new ArrayList<>();
        socket.setSoTimeout(1000);
        try {
            while (true) {
                DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
                socket.receive(packet);
                lines.add(new String(packet.getData(), 0, packet.getLength(), StandardCharsets.UTF_8));
            }
        } catch (SocketTimeoutException e) {
            return lines;
        }
    }
}
