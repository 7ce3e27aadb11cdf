package io.pgcaravan.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PrivateClusterTest {

    private static final Duration SOON = Duration.ofSeconds(20);

    @TempDir
    private Path temporary;

    @BeforeEach
    void need_server_programs() {
        assumeThat(ServerBinaries.find()).isPresent();
    }

    @Test
    void runs_with_our_settings_and_those_asked_for() throws Exception {
        try (PrivateCluster cluster =
                PrivateCluster.start(temporary.resolve("cluster"), Map.of("work_mem", "7MB", "cluster_name", "it's"))) {
            String url = cluster.createDatabaseWithPgq("some \"name\"");
            try (Connection connection = DriverManager.getConnection(url);
                    Statement statement = connection.createStatement()) {
                assertThat(setting(statement, "fsync")).isEqualTo("off");
                assertThat(setting(statement, "synchronous_commit")).isEqualTo("on");
                assertThat(setting(statement, "work_mem")).isEqualTo("7MB");
                assertThat(setting(statement, "cluster_name")).isEqualTo("it's");
                assertThat(setting(statement, "lc_messages")).isEqualTo("C");
            }
        }
    }

    @Test
    void wants_its_password() throws Exception {
        try (PrivateCluster cluster = PrivateCluster.start(temporary.resolve("cluster"), Map.of())) {
            String url = cluster.jdbcUrl("postgres").replaceAll("password=.*", "password=wrong");

            assertThatThrownBy(() -> DriverManager.getConnection(url))
                    .hasMessageContaining("password authentication failed");
        }
    }

    @Test
    void leaves_nothing_behind_when_it_is_closed() throws Exception {
        PrivateCluster cluster = PrivateCluster.start(temporary.resolve("cluster"), Map.of());
        List<Long> processes = List.of(cluster.serverPid(), cluster.watchdogPid());
        assertThat(processes).allMatch(PrivateClusterTest::runs);

        cluster.close();
        cluster.close();

        awaitEnd(processes);
        assertThat(cluster.directory()).doesNotExist();
    }

    @Test
    void leaves_nothing_behind_when_its_process_is_killed() throws Exception {
        Process process = inAnotherProcess("wait");
        Started started = Started.read(process.inputReader());
        assertThat(started.processes()).allMatch(PrivateClusterTest::runs);

        process.destroyForcibly();

        Awaitility.await().atMost(SOON).untilAsserted(() -> assertThat(started.processes())
                .noneMatch(PrivateClusterTest::runs));
        Awaitility.await().atMost(SOON).untilAsserted(() -> assertThat(started.directory())
                .doesNotExist());
    }

    @Test
    void leaves_nothing_behind_when_its_process_ends_without_closing_it() throws Exception {
        Process process = inAnotherProcess("leave");
        Started started = Started.read(process.inputReader());

        process.waitFor();

        awaitEnd(started.processes());
        assertThat(started.directory()).doesNotExist();
    }

    @Test
    void takes_another_directory_where_the_server_cannot_enter() throws Exception {
        Path closed = Files.createDirectory(
                temporary.resolve("closed"),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        Path wanted = closed.resolve("cluster");
        try (PrivateCluster cluster = PrivateCluster.start(wanted, Map.of())) {
            // as root the server is another user, who cannot enter; otherwise it is us, who can
            boolean root = "root".equals(System.getProperty("user.name"));
            assertThat(cluster.directory().equals(wanted)).isNotEqualTo(root);
            assertThat(closed.toFile().list()).hasSize(root ? 0 : 1);
            DriverManager.getConnection(cluster.jdbcUrl("postgres")).close();
        }
    }

    @Test
    void refuses_a_directory_with_something_in_it() throws Exception {
        Path file = Files.createFile(temporary.resolve("precious"));

        assertThatThrownBy(() -> PrivateCluster.start(temporary, Map.of()))
                .isInstanceOf(ThrowAwayServerException.class)
                .hasMessageContaining("not empty: " + temporary);
        assertThat(file).exists();
    }

    @Test
    void says_what_the_server_says_when_it_does_not_start() {
        Path directory = temporary.resolve("cluster");

        assertThatThrownBy(() -> PrivateCluster.start(directory, Map.of("work_mem", "lots")))
                .isInstanceOf(ThrowAwayServerException.class)
                .hasMessageContaining("does not start; its log ends with")
                .hasMessageContaining("invalid value for parameter \"work_mem\": \"lots\"");
        assertThat(directory).doesNotExist();
    }

    private static String setting(Statement statement, String name) throws Exception {
        try (ResultSet setting = statement.executeQuery("show " + name)) {
            setting.next();
            return setting.getString(1);
        }
    }

    /** A server removes its pid file, which is what pg_ctl waits for, a moment before it ends. */
    private static void awaitEnd(List<Long> processes) {
        Awaitility.await().atMost(SOON).untilAsserted(() -> assertThat(processes)
                .noneMatch(PrivateClusterTest::runs));
    }

    /** Whether a process runs; one that has ended and that a lazy init (in a container) has not yet collected does not. */
    private static boolean runs(long pid) {
        try {
            String state = Files.readString(Path.of("/proc/" + pid + "/stat"));
            return !state.substring(state.lastIndexOf(')')).startsWith(") Z");
        } catch (IOException gone) {
            return false;
        }
    }

    private Process inAnotherProcess(String what) throws Exception {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        OtherProcess.class.getName(),
                        Files.createTempDirectory("pgcaravan-test-").toString(),
                        what)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    private record Started(List<Long> processes, Path directory) {

        static Started read(BufferedReader output) throws Exception {
            return new Started(
                    List.of(Long.valueOf(output.readLine()), Long.valueOf(output.readLine())),
                    Path.of(output.readLine()));
        }
    }

    /** Starts a cluster and does not close it. */
    static final class OtherProcess {

        public static void main(String[] arguments) throws Exception {
            PrivateCluster cluster = PrivateCluster.start(Path.of(arguments[0]), Map.of());
            System.out.println(cluster.serverPid());
            System.out.println(cluster.watchdogPid());
            System.out.println(cluster.directory());
            if (arguments[1].equals("wait")) {
                Thread.sleep(600_000);
            }
            System.exit(0);
        }
    }
}
