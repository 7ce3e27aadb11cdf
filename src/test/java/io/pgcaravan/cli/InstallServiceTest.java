package io.pgcaravan.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.pgcaravan.server.Executables;
import io.pgcaravan.server.Watchdog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code caravan install-service} writes what systemd and init take, from the configuration, and starts nothing. */
class InstallServiceTest {

    @TempDir
    Path directory;

    private Path config;

    @BeforeEach
    void configure() throws IOException {
        config = Setup.config(
                directory.resolve("my config"),
                Map.of(
                        "export.directory", "/srv/drop here",
                        "import.directory", "in",
                        "camel.main.shutdownTimeout", "20"));
    }

    @Test
    void a_unit_names_what_runs_what_it_may_write_and_how_long_a_stop_may_take() throws Exception {
        String unit = printed();
        assertThat(unit.lines())
                .contains(
                        "User=pgcaravan",
                        "ReadWritePaths=\"/srv/drop here\"",
                        "TimeoutStopSec=55",
                        "RestartPreventExitStatus=2",
                        "NoNewPrivileges=yes")
                .anySatisfy(line -> assertThat(line)
                        .startsWith("ExecStart=")
                        .contains("/caravan run --config \"" + config + "\" --routes "))
                .noneMatch(line -> line.contains("@NAME@") || line.contains("ReadWritePaths=/var/lib"));
    }

    @Test
    void systemd_takes_the_unit_and_finds_little_exposure() throws Exception {
        assumeThat(Executables.onPath("systemd-analyze")).isPresent();
        Path unit = directory.resolve("caravan-test.service");
        CommandRun written = CommandRun.of(
                "install-service", "--config", config.toString(), "--user", "root", "--to", unit.toString());
        assertThat(written.status()).as(written.err()).isZero();
        assertThat(written.out()).contains("systemctl daemon-reload && systemctl enable --now pgcaravan");
        // systemd has no say about the user's name, so one that exists here
        assertThat(analyze("verify", "--man=no", unit.toString())).doesNotContain("caravan-test.service:");
        String security = analyze("security", "--offline=true", "--no-pager", unit.toString());
        assertThat(security).containsPattern("Overall exposure level for [^:]*: [0-3]\\.\\d (OK|SAFE)");
    }

    @Test
    void a_configuration_that_cannot_work_is_refused_before_anything_is_written() throws Exception {
        Setup.config(config, Map.of("camel.main.shutdownTimeout", "soon", "database.sourceDb.url", "nonsense"));
        Path unit = directory.resolve("never.service");
        CommandRun run = CommandRun.of("install-service", "--config", config.toString(), "--to", unit.toString());
        assertThat(run.status()).isEqualTo(2);
        assertThat(run.err())
                .contains("camel.main.shutdownTimeout: invalid value \"soon\"; must be a number of seconds")
                .contains("database.sourceDb.url");
        assertThat(unit).doesNotExist();
    }

    @Test
    void an_init_script_starts_says_how_it_is_and_stops() throws Exception {
        String home = Path.of("").toAbsolutePath().toString();
        String text = printed("--init", "--user", System.getProperty("user.name"), "--name", "caravan-test");
        assertThat(text).contains("patience=55").contains(home);
        // what it starts is another test's matter
        Path stand = directory.resolve("it's a launcher");
        Path named = Files.writeString(directory.resolve("caravan"), "");
        Files.writeString(stand, "#!/bin/sh\necho \"$@\"\nexec tail -f " + named + "\n");
        assertThat(stand.toFile().setExecutable(true)).isTrue();
        Path script = Files.writeString(
                directory.resolve("script"),
                text.replaceFirst(
                        "(?m)^\\S+/caravan run",
                        Watchdog.commandLine(List.of(stand.toString())).replace("\\", "\\\\") + " run"));
        assertThat(init(script, "status")).isEqualTo(3);
        assertThat(init(script, "start")).isZero();
        assertThat(init(script, "status")).isZero();
        assertThat(Files.readString(directory.resolve("log"))).contains("run --config " + config);
        assertThat(init(script, "stop")).isZero();
        assertThat(init(script, "status")).isEqualTo(3);
        assertThat(init(script, "nonsense")).isEqualTo(2);

        // after a kill the number may be another process's
        Process other = new ProcessBuilder("sleep", "60").start();
        try {
            Files.writeString(directory.resolve("pid"), other.pid() + "\n");
            assertThat(init(script, "status")).isEqualTo(3);
            assertThat(init(script, "stop")).isZero();
            assertThat(other.isAlive()).isTrue();
        } finally {
            other.destroyForcibly();
        }
    }

    private int init(Path script, String what) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("sh", script.toString(), what)
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("output").toFile());
        builder.environment()
                .putAll(Map.of(
                        "CARAVAN_DIRECTORY", directory.toString(),
                        "CARAVAN_PIDFILE", directory.resolve("pid").toString(),
                        "CARAVAN_LOG", directory.resolve("log").toString()));
        Process process = builder.start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return process.exitValue();
    }

    private String printed(String... more) {
        String[] args = {"install-service", "--print", "--config", config.toString()};
        String[] all = java.util.Arrays.copyOf(args, args.length + more.length);
        System.arraycopy(more, 0, all, args.length, more.length);
        CommandRun run = CommandRun.of(all);
        assertThat(run.status()).as(run.err()).isZero();
        return run.out();
    }

    private String analyze(String... args) throws IOException, InterruptedException {
        Path output = directory.resolve("analyzed");
        List<String> command = new java.util.ArrayList<>(List.of("systemd-analyze"));
        command.addAll(List.of(args));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return Files.readString(output);
    }
}
