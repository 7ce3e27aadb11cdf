package io.pgcaravan.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.pgcaravan.cli.Setup;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A network that swallows everything, and a disk that is full: both are told, outside the process too, and waited for. */
class StallsTest {

    @TempDir
    Path directory;

    @ParameterizedTest
    @CsvSource({"source, true", "source, false", "target, true", "target, false"})
    void a_network_that_stalls_is_told_and_waited_for(String side, boolean busy) throws Exception {
        Path file = RouteFile.dispatch().consuming("answerTimeout", 2000).in(directory);
        try (Orders orders = new Orders();
                Proxy proxy = new Proxy(side.equals("source") ? orders.sourceUrl : orders.targetUrl);
                Job job = new Job(
                        side.equals("source") ? proxy.url : orders.sourceUrl,
                        side.equals("target") ? proxy.url : orders.targetUrl,
                        Map.of(),
                        null,
                        file)) {
            ShippedRoutesTest.awaitRegistered(orders);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> AvailabilityTest.down(job).isEmpty());
            if (busy) {
                orders.insert(1, 150_000);
                orders.tick();
                await().atMost(Duration.ofSeconds(30))
                        .pollInterval(Duration.ofMillis(5))
                        .until(() -> orders.count(
                                        orders.target,
                                        "select count(*) from pg_stat_activity where datname = current_database()"
                                                + " and pid <> pg_backend_pid() and query ~* '^copy'")
                                > 0);
            }
            proxy.stalled = true;
            await().atMost(Duration.ofSeconds(40))
                    .until(() -> !AvailabilityTest.down(job).isEmpty());
            proxy.stalled = false;
            orders.insert(200_001, 200_100);
            orders.tick();
            await().atMost(Duration.ofSeconds(90)).untilAsserted(orders::assertTargetEqualsSource);
            await().atMost(Duration.ofSeconds(30))
                    .until(() -> AvailabilityTest.down(job).isEmpty());
        }
    }

    /** The target's whole database is on it, what keeps the job's errors too. */
    @Test
    void a_full_disk_of_the_target_is_told_by_status() throws Exception {
        Path disk = java.nio.file.Files.createDirectory(directory.resolve("disk"));
        assumeTrue(
                run("mount", "-t", "tmpfs", "-o", "size=24m,mode=777", "tmpfs", disk.toString()),
                "a small disk can be mounted here");
        String space = "small_" + ProcessHandle.current().pid();
        try (Orders orders = new Orders()) {
            run("chmod", "755", directory.toString());
            Path place = java.nio.file.Files.createDirectory(disk.resolve("space"));
            String owner = (String) orders.value(orders.target, "select current_setting('data_directory')");
            run("chown", "--reference=" + owner, place.toString());
            String name = (String) orders.value(orders.target, "select current_database()");
            orders.source("create tablespace " + space + " location '" + place + "'");
            orders.target.close();
            orders.source("alter database " + name + " set tablespace " + space);
            try (Connection target = DriverManager.getConnection(orders.targetUrl);
                    Job job = Job.dispatch(orders, Map.of())) {
                ShippedRoutesTest.awaitRegistered(orders);
                orders.insert(1, 100);
                orders.tick();
                await().atMost(Duration.ofSeconds(30))
                        .until(() -> orders.count(target, "select count(*) from orders") == 100);
                orders.insert(101, 250_000);
                orders.tick();
                Map<String, String> keys = new TreeMap<>(Map.of(
                        "database.sourceDb.url", orders.sourceUrl,
                        "database.targetDb.url", orders.targetUrl,
                        "dispatch.consumer", "test"));
                Path config = Setup.config(directory.resolve("config"), keys);
                await().atMost(Duration.ofSeconds(14)).untilAsserted(() -> {
                    String said =
                            io.pgcaravan.cli.Said.by("status", "--config", config.toString(), "--routes", "routes");
                    assertThat(said)
                            .contains("WRONG  dispatch: consumer \"test\" of queue \"orders\" has failed at")
                            .contains("No space left on device");
                });
                assertThat(run("mount", "-o", "remount,size=200m", disk.toString()))
                        .isTrue();
                await().atMost(Duration.ofSeconds(90))
                        .until(() -> orders.count(target, "select count(*) from orders") == 250_000);
            } finally {
                orders.source("drop database " + name + " with (force)", "drop tablespace " + space);
            }
        } finally {
            run("umount", "-l", disk.toString());
        }
    }

    private static boolean run(String... command) throws Exception {
        return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor() == 0;
    }

    /** Passes bytes on in both directions, until it stalls: then nothing arrives, and nothing says so. */
    private static final class Proxy implements AutoCloseable {

        final String url;
        volatile boolean stalled;

        private final ServerSocket listening = new ServerSocket(0);
        private final String host;
        private final int port;
        private final List<Socket> sockets = new CopyOnWriteArrayList<>();

        Proxy(String behind) throws IOException {
            URI uri = URI.create(behind.substring("jdbc:".length()));
            host = uri.getHost();
            port = uri.getPort();
            url = behind.replace(host + ":" + port, "127.0.0.1:" + listening.getLocalPort());
            start(() -> {
                while (true) {
                    Socket near = listening.accept();
                    Socket far = new Socket(host, port);
                    sockets.addAll(List.of(near, far));
                    start(() -> pass(near, far));
                    start(() -> pass(far, near));
                }
            });
        }

        private interface Work {
            void run() throws IOException, InterruptedException;
        }

        private static void start(Work work) {
            Thread thread = new Thread(() -> {
                try {
                    work.run();
                } catch (IOException | InterruptedException e) {
                    // one of the two is gone
                }
            });
            thread.setDaemon(true);
            thread.start();
        }

        private void pass(Socket from, Socket to) throws IOException, InterruptedException {
            byte[] buffer = new byte[8192];
            try (from;
                    to) {
                for (int n = from.getInputStream().read(buffer);
                        n >= 0;
                        n = from.getInputStream().read(buffer)) {
                    while (stalled) {
                        Thread.sleep(20);
                    }
                    to.getOutputStream().write(buffer, 0, n);
                }
            }
        }

        @Override
        public void close() throws IOException {
            listening.close();
            for (Socket socket : sockets) {
                socket.close();
            }
        }
    }
}
